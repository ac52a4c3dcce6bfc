"""Pages: sendings."""
