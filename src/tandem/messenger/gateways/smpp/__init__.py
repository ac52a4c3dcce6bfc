"""SMPP 3.4: one bound session per process and account, spoken by our own loop."""
