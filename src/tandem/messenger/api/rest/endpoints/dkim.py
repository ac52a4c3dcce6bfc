"""Keys that sign mail. Our own addition; a key's secret half is never told."""

from typing import Any

from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.endpoint import Kind, Param, Sure, get, post
from tandem.messenger.api.rest.wire import BadRequest, Json
from tandem.messenger.delivery.dkim import service
from tandem.messenger.delivery.dkim.keys import KeyView


def _key(view: KeyView) -> Json:
    return {
        "id": view.id,
        "domain": view.domain,
        "selector": view.selector,
        "algorithm": str(view.algorithm),
        "state": str(view.state),
        "recordName": view.name,
        "record": view.record,
    }


def _named(call: Call) -> KeyView:
    return service.get_key(call.account_id, call.number("keyId"))


def list_keys(call: Call) -> Any:
    """Every key."""
    return [_key(view) for view in service.list_keys(call.account_id)]


def make_key(call: Call) -> Any:
    """A new one."""
    body = call.json()
    said = body if isinstance(body, dict) else {}
    typed = {name: said.get(name, "rsa" if name == "algorithm" else "") for name in _FIELDS}
    if not all(isinstance(one, str) and one for one in typed.values()):
        raise BadRequest("domain and selector must be given, as texts; algorithm may be.")
    return _key(service.make_key(call.account_id, **typed, clock=call.clock))


def check(call: Call) -> Any:
    """What DNS says."""
    key = _named(call)
    wrong = service.check_key(call.account_id, domain=key.domain, selector=key.selector)
    return {"published": not wrong, "problem": wrong}


def use(call: Call) -> Any:
    """Sign with it."""
    key = _named(call)
    return _key(service.use_key(call.account_id, domain=key.domain, selector=key.selector))


def rotate(call: Call) -> Any:
    """The key that follows."""
    key = _named(call)
    made = service.rotate_key(call.account_id, domain=key.domain, selector=key.selector, clock=call.clock)
    return _key(made)


def retire(call: Call) -> Any:
    """Sign no more with it."""
    key = _named(call)
    return _key(service.retire_key(call.account_id, domain=key.domain, selector=key.selector))


_FIELDS = ("domain", "selector", "algorithm")
_EXAMPLE = (
    '{"id":3,"domain":"shop.example","selector":"t1","algorithm":"ed25519","state":"new",'
    '"recordName":"t1._domainkey.shop.example","record":"v=DKIM1; k=ed25519; p=…"}'
)
ENDPOINTS = (
    get("dkim", list_keys, sure=Sure.OURS, example=f"[{_EXAMPLE}]", meaning="Keys that sign mail, and their records."),
    post(
        "dkim", make_key,
        Param(name="domain", kind=Kind.TEXT, required=True, meaning="Of the senders' addresses."),
        Param(name="selector", kind=Kind.TEXT, required=True, meaning="Name of the key; never used again."),
        Param(name="algorithm", kind=Kind.TEXT, default="rsa", meaning="`rsa` or `ed25519`."),
        sure=Sure.OURS, example=_EXAMPLE, meaning="Make a key. It signs once it is used.",
    ),
    post(
        "dkim/{keyId}/check", check, sure=Sure.OURS, example='{"published":false,"problem":"There is no TXT record …"}',
        meaning="Look its record up in DNS.",
    ),
    post(
        "dkim/{keyId}/use", use, sure=Sure.OURS, example=_EXAMPLE,
        meaning="Sign with it from the next sending on; the one of its algorithm until now retires. Refused unless its "
        "record is published.",
    ),
    post(
        "dkim/{keyId}/rotate", rotate, sure=Sure.OURS, example=_EXAMPLE,
        meaning="Make the key that follows it, under the next name; it signs until that one is used.",
    ),
    post("dkim/{keyId}/retire", retire, sure=Sure.OURS, example=_EXAMPLE, meaning="Sign no more with it."),
)  # fmt: skip
