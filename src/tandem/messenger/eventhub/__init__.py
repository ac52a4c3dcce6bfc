"""Event hub: events from the shop become contacts or messages, by mappings of the account."""
