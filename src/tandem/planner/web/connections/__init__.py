"""Accounts at a messenger and their listeners."""
