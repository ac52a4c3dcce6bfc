"""The pages of discoveries."""
