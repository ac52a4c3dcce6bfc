"""Webhooks: what happens here is told to addresses that the account names."""
