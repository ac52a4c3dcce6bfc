"""Alarms: what is wrong, told by a second path once, when it ends, and daily while it lasts. Both halves share it."""
