"""The steps of the daily cycle that make stages, scores and segments."""
