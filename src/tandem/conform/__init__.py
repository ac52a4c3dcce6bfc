"""Holds a foreign server against the contract: what agrees, what differs, which flows will work."""
