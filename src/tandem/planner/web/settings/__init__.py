"""API credentials, users and what they did."""
