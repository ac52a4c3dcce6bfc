"""The way out over SMTP: pipelined, with no outcome that the relay did not give (RFC 5321, 2920, 3207, 4954)."""
