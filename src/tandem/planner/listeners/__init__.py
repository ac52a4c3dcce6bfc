"""Registered event listeners, the event outbox, its retries and replay."""
