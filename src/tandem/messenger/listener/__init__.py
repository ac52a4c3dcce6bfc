"""Receives the planner's event, fetches the details, orders the sending."""
