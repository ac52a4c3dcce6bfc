"""Who is told of events, and what was told."""
