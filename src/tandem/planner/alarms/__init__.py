"""Alarms of the planner: what it watches, whom it tells."""
