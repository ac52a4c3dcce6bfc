"""Tandem: a campaign planner and a messenger that meet only over HTTP."""
