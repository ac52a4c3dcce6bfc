"""Where the counted links of a version lead."""

from dataclasses import dataclass
from typing import Any

from tandem.messenger.projects.models import TriggerVersion


@dataclass(frozen=True, kw_only=True)
class Targets:
    """By number, from 1 on: the address, or what it begins with where each message knows more of it."""

    account_id: int
    links: tuple[tuple[str, bool], ...]


def targets_of(version_id: int) -> Targets | None:
    """The links of a version; None if there is no such version."""
    # all accounts: the signed token of a message names the version
    rows = TriggerVersion.objects.filter(pk=version_id).values_list(
        "account_id", "compiled__counting__targets"
    )
    found: tuple[int, Any] | None = rows.first()
    if found is None:
        return None
    return Targets(
        account_id=found[0], links=tuple((str(fixed), bool(more)) for fixed, more in found[1] or ())
    )
