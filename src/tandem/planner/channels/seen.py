"""What previews of several customers tell together. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from tandem.contract.messenger_api import Preview


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field that some customers lack: who falls back to other words, and for whom nothing is printed."""

    name: str
    falls_back: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Previews of a sample, compared.

    asked: how many were to be seen; seen: how many were; failed: customer -> the messenger's words;
    stopped: why the rest was not asked, in words; parts: SMS parts -> customers; cost: least and most.
    """

    asked: int
    seen: int
    failed: Mapping[str, str]
    fields: tuple[Field, ...] = ()
    stopped: str = ""
    parts: tuple[tuple[int, tuple[str, ...]], ...] = ()
    cost: tuple[str, str] = ("", "")
    currency: str = ""

    @property
    def whole(self) -> int:
        """How many of those seen lack nothing."""
        lacking = {one for field in self.fields for one in (*field.falls_back, *field.missing)}
        return self.seen - len(lacking)


def compare(
    previews: Mapping[str, Preview], *, asked: int, failed: Mapping[str, str], stopped: str = ""
) -> Survey:
    """The differences of these customers' previews."""
    names = sorted({name for one in previews.values() for name in one.missing})
    texts = {customer: one.sms for customer, one in previews.items() if one.sms is not None}
    priced = sorted((one for one in texts.values() if one.cost), key=lambda one: one.parts)
    return Survey(
        asked=asked,
        seen=len(previews),
        fields=tuple(_field(name, previews) for name in names),
        failed=failed,
        stopped=stopped,
        parts=tuple(
            (parts, tuple(customer for customer, one in texts.items() if one.parts == parts))
            for parts in sorted({one.parts for one in texts.values()})
        ),
        cost=(priced[0].cost, priced[-1].cost) if priced else ("", ""),
        currency=priced[0].currency if priced else "",
    )


def _field(name: str, previews: Mapping[str, Preview]) -> Field:
    return Field(
        name=name,
        falls_back=tuple(customer for customer, one in previews.items() if name in one.fallbacks),
        missing=tuple(customer for customer, one in previews.items() if name in one.gaps),
    )
