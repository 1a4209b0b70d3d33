"""After the account: what follows until the customer is live, and what comes later. Each part can be switched off."""
