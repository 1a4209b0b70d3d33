"""The service as a running process: what it does in the background and when, and whether it is well."""
