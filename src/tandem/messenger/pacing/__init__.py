"""How fast messages may leave: limits, token buckets, warm-up, and when a sending pauses by itself."""
