"""The client needs no database."""
