"""Customer accounts, users, API users and tokens."""
