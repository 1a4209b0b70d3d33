"""The chat and push channels of NOTIFY_URLS: what they are told, and how it gets there. Apprise speaks to them."""
