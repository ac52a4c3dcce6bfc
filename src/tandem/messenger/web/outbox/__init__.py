"""Pages: outbox."""
