"""Words and marks that pages, mails and commands share."""
