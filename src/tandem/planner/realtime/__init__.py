"""Real-time campaigns: an event comes in, the customers it triggers get one message within seconds."""
