"""Pages of target groups: the list and the builder."""
