"""Micro-segments and value segments: cut monthly, applied daily."""
