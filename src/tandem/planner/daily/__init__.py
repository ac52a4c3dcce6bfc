"""The daily cycle of an account."""
