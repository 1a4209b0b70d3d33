"""What machines send us: UTOPIA's callbacks, and the event that S3 sends when the report was uploaded."""
