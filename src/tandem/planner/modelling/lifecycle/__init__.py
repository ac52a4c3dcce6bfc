"""Lifecycle stages: their limits, measured from the return curve or set by hand."""
