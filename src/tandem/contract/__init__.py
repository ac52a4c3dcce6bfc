"""The words both halves speak; no framework, no database."""
