"""After the account: what follows an order until its customer is live, and what comes later. Each part can be off."""
