"""Setting the service up: checking its settings, and whether the running service uses the present ones."""
