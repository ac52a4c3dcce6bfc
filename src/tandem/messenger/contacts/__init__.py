"""Lists, contacts, attributes, imports, consent and suppression."""
