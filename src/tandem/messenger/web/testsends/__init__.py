"""Test messages: sent from a version's page; the addresses they may go to; what was written of them."""
