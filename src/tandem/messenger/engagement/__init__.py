"""What happened to a message after it was handed over: opened, clicked, bounced, complained, replied."""
