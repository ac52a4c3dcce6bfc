"""Alarms of the messenger: what it watches, whom it tells."""
