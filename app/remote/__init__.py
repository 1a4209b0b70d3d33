"""Remote systems as the service meets them: whether each works, what was said to it, and the connection for mail."""
