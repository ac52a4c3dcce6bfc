"""Test messages: to verified addresses only, outside of every sending, every list and every number."""
