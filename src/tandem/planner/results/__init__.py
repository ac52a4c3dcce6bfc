"""Metrics reported by the messenger; later responses and uplift."""
