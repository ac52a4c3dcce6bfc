"""Gateways over HTTP: each profile builds the request and reads the answer, the receipt and the incoming message."""

from collections.abc import Mapping
from typing import Protocol

from tandem.messenger.gateways.domain import Answer, HttpCall, Incoming, Profile, Receipt, Setup, Sms
from tandem.messenger.gateways.profiles import elks, template, twilio


class HttpProfile(Protocol):
    """The functions of a profile's module. Fields: of a form, a query or a flat JSON object, as text."""

    def build(self, setup: Setup, sms: Sms) -> HttpCall:
        """The request that hands a message over."""

    def read_answer(self, setup: Setup, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """What the answer to it means."""

    def read_receipt(self, setup: Setup, fields: Mapping[str, str]) -> Receipt | None:
        """The receipt of a call-back; None if it is none."""

    def read_incoming(self, setup: Setup, fields: Mapping[str, str]) -> Incoming | None:
        """The message of a call-back; None if it is none."""

    def signed(self, setup: Setup, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        """Whether a call-back is the gateway's own, as far as it signs."""


PROFILES: dict[Profile, HttpProfile] = {
    Profile.TWILIO: twilio,  # type: ignore[dict-item]
    Profile.ELKS: elks,  # type: ignore[dict-item]
    Profile.TEMPLATE: template,  # type: ignore[dict-item]
}
