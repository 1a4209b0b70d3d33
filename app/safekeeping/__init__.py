"""Keeping the database safe: backups of a running service, putting one back, and moving to PostgreSQL."""
