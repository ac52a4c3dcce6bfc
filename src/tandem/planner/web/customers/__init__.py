"""Customers: files in, snapshot, one person, forgetting."""
