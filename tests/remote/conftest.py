"""The sandbox's mail server, for each test."""
