"""People and their orders: import, identity, the daily snapshot, the dated copy of consent, erasure."""
