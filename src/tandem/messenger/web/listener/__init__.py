"""Pages: listener."""
