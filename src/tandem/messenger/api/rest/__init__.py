"""The Symplify REST API under /rest/{customerId}."""
