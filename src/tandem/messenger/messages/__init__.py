"""Single messages of triggers: sent by programs, read back, shown again in a browser."""
