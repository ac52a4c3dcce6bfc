"""The first page: what to do next, what happened last."""
