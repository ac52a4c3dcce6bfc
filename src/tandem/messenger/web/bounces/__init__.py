"""Pages of what came back."""
