"""The chat and push channels of NOTIFY_URLS: what they are told, and how messages are sent, by the library Apprise."""
