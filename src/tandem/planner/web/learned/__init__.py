"""Pages of the models: which are in force and why, and how often each was right."""
