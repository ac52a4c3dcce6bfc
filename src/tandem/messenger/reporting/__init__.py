"""Metrics back to the planner."""
