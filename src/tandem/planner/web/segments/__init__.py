"""The page of segments: what they are worth, and who moved between them."""
