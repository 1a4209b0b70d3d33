"""Measurements of what the service promises about speed and endurance."""
