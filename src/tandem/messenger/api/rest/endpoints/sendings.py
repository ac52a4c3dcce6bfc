"""Sendings: how they stand, and pausing, resuming, cancelling, trying the failed ones again. Our own addition."""

from typing import Any

from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.endpoint import Kind, Param, Sure, get, post
from tandem.messenger.api.rest.wire import BadRequest, Json, ms
from tandem.messenger.delivery import policies
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.domain import SendingView


def _sending(view: SendingView) -> Json:
    return {
        "id": view.id,
        "name": view.name,
        "channel": str(view.channel),
        "state": str(view.state),
        "campaignId": view.campaign_id,
        "deliveryTime": ms(view.due_at),
        "finished": ms(view.finished_at),
        "recipients": view.expected,
        "counts": view.counts,
        "pausedBecause": view.paused_because,
        "perSecond": view.rate_per_second,
        "policy": str(view.policy),
    }


def list_sendings(call: Call) -> Any:
    """The newest sendings."""
    return [_sending(view) for view in delivery.list_sendings(call.account_id, limit=100)]


def get_sending(call: Call) -> Any:
    """One sending."""
    return _sending(delivery.get_sending(call.account_id, call.number("sendingId")))


def pause(call: Call) -> Any:
    """Let nothing more leave."""
    return _sending(delivery.pause(call.account_id, call.number("sendingId")))


def resume(call: Call) -> Any:
    """Go on."""
    return _sending(delivery.resume(call.account_id, call.number("sendingId")))


def cancel(call: Call) -> Any:
    """End it."""
    return _sending(delivery.cancel(call.account_id, call.number("sendingId"), clock=call.clock))


def retry(call: Call) -> Any:
    """Failed messages once more."""
    rows = delivery.retry_failed(call.account_id, call.number("sendingId"), clock=call.clock)
    return {**_sending(delivery.get_sending(call.account_id, call.number("sendingId"))), "retried": rows}


def rate(call: Call) -> Any:
    """Its own limit of pace."""
    body = call.json()
    said = body.get("perSecond") if isinstance(body, dict) else False
    if said is not None and (isinstance(said, bool) or not isinstance(said, int | float)):
        raise BadRequest("perSecond must be a number, or null for no limit.")
    return _sending(delivery.set_rate(call.account_id, call.number("sendingId"), said))


def policy(call: Call) -> Any:
    """What becomes of messages in doubt."""
    mine = delivery.get_sending(call.account_id, call.number("sendingId"))
    wanted = policies.policy_named(_said(call, "policy"))
    return _sending(policies.choose(call.account_id, mine.id, wanted, by=_BY))


def default_policy(call: Call) -> Any:
    """What new ones begin with."""
    found = policies.default_of(call.account_id)
    return {"policy": str(found.policy), "by": found.by}


def choose_default(call: Call) -> Any:
    """Set it."""
    policies.choose_default(call.account_id, policies.policy_named(_said(call, "policy")), by=_BY)
    return default_policy(call)


def _said(call: Call, name: str) -> Any:
    body = call.json()
    if not isinstance(body, dict) or name not in body:
        raise BadRequest(f"{name} must be given.")
    return body[name]


_BY = "REST API"
_POLICY = Param(
    name="policy",
    kind=Kind.TEXT,
    required=True,
    meaning="`hold`: never twice; `resend`: never lost, email only.",
)
_EXAMPLE = (
    '{"id":17,"name":"Spring","channel":"email","state":"paused","campaignId":12,"deliveryTime":1441374310577,'
    '"finished":0,"recipients":500,"counts":{"accepted":120,"pending":380},"pausedBecause":"","perSecond":null,"policy":"hold"}'
)
ENDPOINTS = (
    get(
        "sendings", list_sendings, sure=Sure.OURS, example=f"[{_EXAMPLE}]",
        meaning="The newest 100 sendings with their rows by state.",
    ),
    get("sendings/{sendingId}", get_sending, sure=Sure.OURS, example=_EXAMPLE, meaning="One sending."),
    post(
        "sendings/{sendingId}/pause", pause, sure=Sure.OURS, example=_EXAMPLE,
        meaning="Nothing more leaves, within two seconds; messages in hand may. Rows wait, their late cut-off runs on.",
    ),
    post(
        "sendings/{sendingId}/resume", resume, sure=Sure.OURS, example=_EXAMPLE,
        meaning="Go on. A sending that paused by itself does so again at twice the share.",
    ),
    post(
        "sendings/{sendingId}/cancel", cancel, sure=Sure.OURS, example=_EXAMPLE,
        meaning="End it: what waits is never sent. 409 if it has ended.",
    ),
    post(
        "sendings/{sendingId}/retry", retry, sure=Sure.OURS, example=_EXAMPLE.replace('"hold"}', '"hold","retried":3}'),
        meaning="Refused messages and those that could not be made get another turn, under the same Message-ID; what "
        "left never does. Within 7 days of its end. 409 if nothing has failed.",
    ),
    post(
        "sendings/{sendingId}/rate", rate,
        Param(name="perSecond", kind=Kind.ANY, required=True, meaning="Messages a second, or null."),
        sure=Sure.OURS, example=_EXAMPLE, meaning="Its own limit of pace.",
    ),
    post(
        "sendings/{sendingId}/policy", policy, _POLICY, sure=Sure.OURS, example=_EXAMPLE,
        meaning="What becomes of messages in doubt: the sender stopped between handing over and the answer. 409 if it "
        "has ended, 422 for SMS.",
    ),
    get(
        "policy", default_policy, sure=Sure.OURS, example='{"policy":"hold","by":""}',
        meaning="What new email sendings begin with.",
    ),
    post(
        "policy", choose_default, _POLICY, sure=Sure.OURS, example='{"policy":"resend","by":"REST API"}',
        meaning="Set what new email sendings begin with; SMS are always held.",
    ),
)  # fmt: skip
