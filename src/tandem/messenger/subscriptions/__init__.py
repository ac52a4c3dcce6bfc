"""What people see when they end or start messages: the pages' words in their languages, and an account's own."""
