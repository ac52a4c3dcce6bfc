"""Pages of real-time campaigns."""
