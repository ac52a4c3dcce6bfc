"""HTTP clients of both contracts."""
