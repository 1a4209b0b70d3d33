"""Who uses the console: their names, passwords and roles, where they are signed in, and what they changed."""
