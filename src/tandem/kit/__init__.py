"""Product-blind tools that both halves use."""
