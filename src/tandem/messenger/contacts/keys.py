"""Keyed hashes of addresses and customer ids: they outlive the data they were made from."""

import hashlib
import hmac
from functools import lru_cache

from django.conf import settings


@lru_cache(maxsize=64)
def _secret(account_id: int) -> bytes:
    return hmac.new(
        settings.SECRET_KEY.encode(), f"suppression:{account_id}".encode(), hashlib.sha256
    ).digest()


def _key(account_id: int, kind: str, text: str) -> str:
    if not text:
        return ""
    return hmac.digest(_secret(account_id), f"{kind}:{text}".encode(), "sha256").hex()[:32]


def email_key(account_id: int, address: str) -> str:
    """The key of an address, whatever its case; '' for no address."""
    return _key(account_id, "email", address.strip().lower())


def mobile_key(account_id: int, number: str) -> str:
    """The key of a number in its stored form; '' for none."""
    return _key(account_id, "mobile", number)


def customer_key(account_id: int, original_id: str) -> str:
    """The key of a customer id."""
    return _key(account_id, "customer", original_id)
