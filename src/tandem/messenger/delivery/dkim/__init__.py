"""DKIM signatures of our own (RFC 6376, RFC 8463), where the relay makes none; owns: selector, signature."""
