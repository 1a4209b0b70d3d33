"""What goes out besides mails: signed events to a machine of the office's; and the rows of messages to its channels."""
