"""The gateways' doors: a call-back is checked, kept, and answered; the work comes after."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

import orjson

from tandem.kit.clock import Clock
from tandem.messenger.gateways import inbox
from tandem.messenger.gateways import service as gateways
from tandem.messenger.gateways.domain import Incoming, Profile, Receipt, Setup
from tandem.messenger.gateways.errors import BadSignature, GatewayWrong, UnknownDoor
from tandem.messenger.gateways.profiles import PROFILES, HttpProfile

MOST_BODY = 64 * 1024
_MOST_FIELDS = 200
_LONGEST_MARK = 64
_WHAT = ("receipt", "incoming")


def take(
    door: str,
    what: str,
    *,
    query: str,
    body: bytes,
    kind: str,
    headers: Mapping[str, str],
    clock: Clock,
) -> bool:
    """Keep what a gateway tells at one of its doors, durably on return. False if it said nothing that is kept.

    query: as it stands in the address; headers: lower case. Raises UnknownDoor, BadSignature, GatewayWrong.
    """
    setup = gateways.setup_behind(door)
    if what not in _WHAT or setup.profile is Profile.SMPP:
        raise UnknownDoor("There is nothing at this address.")
    profile, asked = PROFILES[setup.profile], _form(query)
    told = _read(body, kind)
    url = f"{setup.callback_url}/{what}" + (f"?{query}" if query else "")
    if not profile.signed(setup, url, told[0], headers):
        raise BadSignature("The call-back is not signed with this account's token.")
    mark = asked.pop("m", "")[:_LONGEST_MARK] if what == "receipt" else ""
    found = [
        one for fields in told if (one := _said(profile, setup, what, {**asked, **fields}, mark)) is not None
    ]
    inbox.keep(setup.account_id, found, clock.system())
    return bool(found)


def _said(
    profile: HttpProfile, setup: Setup, what: str, fields: Mapping[str, str], mark: str
) -> Receipt | Incoming | None:
    if what == "incoming":
        return profile.read_incoming(setup, fields)
    receipt = profile.read_receipt(setup, fields)
    if receipt is None:
        return None
    return Receipt(
        gateway_id=receipt.gateway_id,
        came=receipt.came,
        detail=receipt.detail,
        flag=receipt.flag,
        mark=mark,
    )


def _read(body: bytes, kind: str) -> Sequence[dict[str, str]]:
    """The fields that were sent: of a form, of a JSON object, of each of a list of them."""
    if "json" not in kind:
        return [_form(body.decode("utf-8", "replace"))]
    try:
        document = orjson.loads(body)
    except ValueError:
        raise GatewayWrong("The call-back is not JSON.") from None
    objects = document if isinstance(document, list) else [document]
    if not all(isinstance(one, dict) for one in objects) or len(objects) > _MOST_FIELDS:
        raise GatewayWrong("The call-back is no JSON object, nor a list of them.")
    return [_flat(one) for one in objects] or [{}]


def _form(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise GatewayWrong("The call-back has too many fields.") from None


def _flat(document: Mapping[str, object], before: str = "", depth: int = 0) -> dict[str, str]:
    """Plain values by their path: `message.id`."""
    found: dict[str, str] = {}
    for name, value in document.items():
        if isinstance(value, dict) and depth < 4:
            found |= _flat(value, f"{before}{name}.", depth + 1)
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            found[f"{before}{name}"] = str(value)
    return found
