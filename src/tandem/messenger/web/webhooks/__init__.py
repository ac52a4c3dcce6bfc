"""Pages of webhooks and Send Gates."""
