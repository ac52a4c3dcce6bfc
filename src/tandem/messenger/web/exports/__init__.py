"""Pages: exports of statistics."""
