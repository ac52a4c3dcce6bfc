"""Scores made usable: ranks, columns of the snapshot, and the explanation of one customer."""
