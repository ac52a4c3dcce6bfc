"""What a program's key may do: from where, how often, which functions; its last use, and a new key for an old one."""

import ipaddress
import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from tandem.contract.planner_functions import FUNCTIONS
from tandem.kit.clock import Clock
from tandem.kit.secrets import new_token, token_hash
from tandem.planner.accounts.domain import (
    KEY_OVERLAP,
    MOST_CALLS,
    OWN_API,
    USE_WRITTEN_EVERY,
    KeyLimit,
    NewKey,
    Restriction,
)
from tandem.planner.accounts.errors import AccountRefused, CredentialUnknown, NotFromHere, TooManyCalls
from tandem.planner.accounts.models import ApiCredential
from tandem.planner.accounts.service.activity import record

# One statement, so that calls in several processes are counted one after the other by the row's lock.
_COUNT = """
INSERT INTO planner_accounts_keycalls AS k (account_id, credential_id, calls, free_at)
VALUES (%(account)s, %(credential)s, ARRAY[%(now)s::timestamptz], NULL)
ON CONFLICT (credential_id) DO UPDATE SET (calls, free_at) = (
    SELECT CASE WHEN count(*) < %(most)s
                THEN coalesce(array_agg(t ORDER BY t), '{}') || %(now)s::timestamptz
                ELSE array_agg(t ORDER BY t) END,
           CASE WHEN count(*) >= %(most)s
                THEN (array_agg(t ORDER BY t DESC))[%(most)s] + %(window)s END
    FROM unnest(k.calls) AS t WHERE t > %(now)s::timestamptz - %(window)s
)
RETURNING free_at
"""


#: what the planner answers beside the contract's table
_NOT_IN_THE_CONTRACT = {
    OWN_API: (),
    "customers": ("GetCustomerAttributes",),
    "transactionalmail": ("GetTemplateDetails",),
}


def function_groups() -> dict[str, tuple[str, ...]]:
    """Every group of functions that a key may be held to, with its functions by name; our own API has none."""
    groups = {group: list(names) for group, names in _NOT_IN_THE_CONTRACT.items()}
    for function in FUNCTIONS:
        groups.setdefault(function.group, []).append(function.name)
    return {group: tuple(sorted(names, key=str.lower)) for group, names in sorted(groups.items())}


def restrict_credential(
    account_id: int, *, credential_id: int, restriction: Restriction, actor: str, clock: Clock
) -> None:
    """Hold a program to functions, networks and a limit; nothing given = no longer held. Raises AccountRefused."""
    fields = restriction_fields(restriction)
    with transaction.atomic():
        mine = ApiCredential.objects.filter(account_id=account_id, pk=credential_id)
        if not mine.update(**fields):
            raise _unknown(credential_id)
        record(
            account_id, actor=actor, action="credential.restricted", subject=f"credential {credential_id}",
            detail=fields, clock=clock,
        )  # fmt: skip


def rotate_key(
    account_id: int, *, credential_id: int, overlap: timedelta = KEY_OVERLAP, actor: str, clock: Clock
) -> NewKey:
    """A new key, shown this once; the one before works until the overlap ends. Raises CredentialUnknown."""
    key = new_token()
    with transaction.atomic():
        rows = ApiCredential.objects.select_for_update().filter(account_id=account_id, pk=credential_id)
        row = rows.filter(is_active=True).first()
        if row is None:
            raise _unknown(credential_id)
        row.old_key_hash, row.old_key_until = (
            (row.key_hash, clock.system() + overlap) if overlap else ("", None)
        )
        row.key_hash, row.key_prefix = token_hash(key), key[:8]
        row.save(update_fields=["key_hash", "key_prefix", "old_key_hash", "old_key_until"])
        subject = f"credential {credential_id}"
        record(account_id, actor=actor, action="credential.key_changed", subject=subject, clock=clock)
    return NewKey(id=row.pk, user_name=row.user_name, api_key=key, old_until=row.old_key_until)


def restriction_fields(restriction: Restriction) -> dict[str, object]:
    """The columns of a restriction, checked. Raises AccountRefused."""
    limit = restriction.limit
    if limit is not None and not 1 <= limit <= MOST_CALLS:
        raise AccountRefused(
            f"The limit must be from 1 to {MOST_CALLS:,} calls.", "Leave it out for the usual.", field="limit"
        )
    return {
        "functions": _functions(restriction.functions),
        "networks": _networks(restriction.networks),
        "call_limit": limit,
    }


def restriction_of(row: ApiCredential) -> Restriction:
    """What a credential is held to."""
    return Restriction(functions=tuple(row.functions), networks=tuple(row.networks), limit=row.call_limit)


def limit_of(row: ApiCredential) -> KeyLimit:
    """How often its key may call."""
    usual = KeyLimit.parse(settings.TANDEM_KEY_LIMIT)
    return usual if row.call_limit is None else KeyLimit(most=row.call_limit, window=usual.window)


def check_address(networks: Sequence[str], address: str) -> None:
    """Raises NotFromHere."""
    if not networks:
        return
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        here = None
    if here is None or not any(here in ipaddress.ip_network(one) for one in networks):
        raise NotFromHere("This credential may not be used from this address.")


def count_call(row: ApiCredential, now: datetime) -> None:
    """Count a call of a key, of all processes together. Raises TooManyCalls; that call is not counted."""
    limit = limit_of(row)
    values: dict[str, Any] = {
        "account": row.account_id, "credential": row.pk, "now": now, "most": limit.most, "window": limit.window,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, values)
        [free_at] = cursor.fetchone()
    if free_at is not None:
        wait = max(1, math.ceil((free_at - now).total_seconds()))
        raise TooManyCalls("The key called too often.", wait=wait)


def note_use(row: ApiCredential, address: str, now: datetime) -> None:
    """Write when and from where it was last used, at most every few seconds."""
    if row.used_at is not None and now - row.used_at < USE_WRITTEN_EVERY:
        return
    mine = ApiCredential.objects.filter(account_id=row.account_id, pk=row.pk)
    mine.update(used_at=now, used_from=address[:45])


def _functions(given: Iterable[str]) -> list[str]:
    groups = function_groups()
    known = {f"{group}/*".lower(): f"{group}/*" for group in groups}
    known |= {f"{group}/{name}".lower(): f"{group}/{name}" for group in groups for name in groups[group]}
    found = []
    for text in given:
        name = known.get(text.strip().lower())
        if name is None:
            raise AccountRefused(
                f"There is no function {text.strip()}.",
                "Write a group and a function, as general/GetLastDataUpdate, or a whole group, as general/*.",
                field="functions",
            )
        found.append(name)
    return sorted(set(found))


def _networks(given: Iterable[str]) -> list[str]:
    found = []
    for text in given:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError as error:
            raise AccountRefused(
                f"{text.strip()} is no network address.",
                "Write one as 203.0.113.7 or 203.0.113.0/24.",
                field="networks",
            ) from error
        found.append(str(network))
    return sorted(set(found))


def _unknown(credential_id: int) -> CredentialUnknown:
    return CredentialUnknown(f"There is no credential {credential_id}.", "See `tandem keys list`.")
