"""Tenants, users, roles, API credentials, activity."""
