"""Setting the service up: whether its settings fit, and whether they are the ones that run."""
