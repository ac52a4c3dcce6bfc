"""Optimove's role: customers, target groups, campaigns, the list on the day."""
