"""Statistics exports: what happened in a period, as one file."""
