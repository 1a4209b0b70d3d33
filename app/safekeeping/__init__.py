"""Keeping the database safe: backups of a running service, restores, and moving to PostgreSQL."""
