"""The page of pace."""
