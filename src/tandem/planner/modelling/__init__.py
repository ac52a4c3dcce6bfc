"""Predictive customer models: stages, segments, scores, and how right they were."""
