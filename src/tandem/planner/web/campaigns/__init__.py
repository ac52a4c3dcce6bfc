"""Campaigns: list, plan, and the timeline of an occurrence."""
