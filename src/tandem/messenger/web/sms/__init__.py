"""Pages of SMS: what people write, the gateway, quiet hours and answers."""
