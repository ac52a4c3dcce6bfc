"""Ways a message leaves: SMTP, a Maildir, memory."""
