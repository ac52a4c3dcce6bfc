"""Lifecycle stages and, later, predictive customer models."""
