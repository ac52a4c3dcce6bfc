"""The attempt ledger, the senders, the local journal and the providers."""
