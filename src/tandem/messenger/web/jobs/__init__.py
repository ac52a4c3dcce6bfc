"""Pages: generation jobs."""
