"""The public door for recipients: unsubscribe."""
