"""What the service's promises about speed and endurance are measured with."""
