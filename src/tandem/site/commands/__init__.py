"""Commands that belong to neither half alone."""
