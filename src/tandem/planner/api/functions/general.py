"""general/*: login, listeners, the day of the data."""

from typing import Any

from tandem.contract.planner_api import RegisteredListener
from tandem.kit.zones import wire_time
from tandem.planner.accounts import service as accounts
from tandem.planner.api.call import ApiError, Call
from tandem.planner.api.function import Body, Kind, Param, Sure, one, rows, write
from tandem.planner.customers import service as customers
from tandem.planner.customers.errors import NoSnapshot
from tandem.planner.listeners import service as listeners


def login(call: Call) -> str:
    """A token, by POST with a body or by the old GET with a query."""
    fields = call.bodies[0] if call.bodies else call.query
    user, password = fields.get("username"), fields.get("password")
    if not user or not password or not isinstance(user, str) or not isinstance(password, str):
        raise ApiError(400, "Bad Request")
    if "\x00" in user:
        raise ApiError(401, "Unauthorized")
    return accounts.login(user, password, address=call.address, clock=call.clock)


def get_api_key_info(call: Call) -> dict[str, Any]:
    """What the credential that calls may do."""
    caller = call.caller
    assert caller is not None  # noqa: S101 - only open functions are called by nobody
    found = accounts.get_credential(call.account_id, caller.credential_id)
    limit = accounts.key_limit(call.account_id, caller.credential_id)
    zone = caller.zone
    return {
        "Name": found.user_name,
        "KeyPrefix": found.key_prefix,
        "Role": str(found.rights),
        "Functions": list(found.restriction.functions),
        "IPAllowList": list(found.restriction.networks),
        "RateLimit": {"Requests": limit.most, "Seconds": int(limit.window.total_seconds())},
        "CreatedAt": wire_time(found.created_at, zone),
        "LastUsedAt": wire_time(found.used_at, zone) if found.used_at else None,
        "LastUsedFrom": found.used_from or None,
        "PreviousKeyValidUntil": wire_time(found.old_key_until, zone) if found.old_key_until else None,
    }


def get_last_data_update(call: Call) -> dict[str, str]:
    """The day of the newest customer data; empty before the first."""
    try:
        return {"Date": customers.latest_snapshot(call.account_id).as_of.isoformat()}
    except NoSnapshot:
        return {"Date": ""}


def register_event_listener(call: Call) -> None:
    """Tell an address of an event type, of one channel or all."""
    listeners.register(
        call.account_id,
        event_type=call["EventTypeID"],
        channel_id=call["ChannelID"],
        url=call["ListenerURL"],
        actor=call.actor,
        clock=call.clock,
    )


def unregister_event_listener(call: Call) -> None:
    """Tell it no more; without a channel all registrations of the type go."""
    listeners.unregister(
        call.account_id,
        event_type=call["EventTypeID"],
        channel_id=call["ChannelID"],
        actor=call.actor,
        clock=call.clock,
    )


def get_registered_event_listeners(call: Call) -> list[dict[str, Any]]:
    """All current registrations; switched-off ones are not current."""
    return [
        RegisteredListener(event_type=row.event_type, channel_id=row.channel_id, url=row.url).document()
        for row in listeners.listeners(call.account_id)
        if row.is_active
    ]


_EVENT = Param(name="EventTypeID", required=True, meaning="1 to 5, 11 or 13.")
_CHANNEL = Param(name="ChannelID", meaning="Only events of this execution channel; none = all.")
_URL = Param(
    name="ListenerURL",
    kind=Kind.TEXT,
    required=True,
    meaning="Where events are posted; may be percent-encoded.",
)
_CREDENTIALS = Body(
    fields=(Param(name="Username", kind=Kind.ANY), Param(name="Password", kind=Kind.ANY)),
)

FUNCTIONS = (
    one(
        "general", "login", login, method="POST", also="GET", body=_CREDENTIALS, open=True, third_party=True,
        sure=Sure.LIVE, example='"bf186b0a-ff34-44b2-9f62-496aa0d5e2c7"',
        differs="The oldest clients send GET with username and password in the query.",
        meaning="A token for the header Authorization-Token; it lives 20 minutes from its last use.",
    ),
    one(
        "general", "GetApiKeyInfo", get_api_key_info, third_party=True, of_the_key=True, spellings=("ApiKeyInfo",),
        sure=Sure.OURS,
        example='{"Name":"shop","KeyPrefix":"q3Jx8AbZ","Role":"third party","Functions":["customers/*"],'
        '"IPAllowList":["203.0.113.0/24"],"RateLimit":{"Requests":50,"Seconds":10},'
        '"CreatedAt":"2026-11-23 09:00:00","LastUsedAt":"2026-11-23 10:00:00","LastUsedFrom":"203.0.113.7",'
        '"PreviousKeyValidUntil":null}',
        differs="The vendor documents an `Api Key Info` without its address or shape.",
        meaning="What the credential that calls may do. Functions and IPAllowList are empty where nothing "
        "is ruled out.",
    ),
    one(
        "general", "GetLastDataUpdate", get_last_data_update, third_party=True, sure=Sure.LIVE,
        example='{"Date":"2015-08-13"}', meaning="The last day whose customer data is in.",
    ),
    write(
        "general", "RegisterEventListener", register_event_listener, Body(fields=(_EVENT, _CHANNEL, _URL)),
        third_party=True, sure=Sure.LIVE,
        meaning="Registers an address for an event type; the same type and channel again replaces it.",
    ),
    write(
        "general", "UnregisterEventListener", unregister_event_listener, Body(fields=(_EVENT, _CHANNEL)),
        third_party=True, meaning="Ends a registration.",
    ),
    rows(
        "general", "GetRegisteredEventListeners", get_registered_event_listeners, third_party=True,
        spellings=("GetRegisteredEventListener",), sure=Sure.OURS,
        example='[{"EventTypeID":13,"ChannelID":505,"ListenerURL":"https://host/hook"}]',
        meaning="All current registrations.",
    ),
)  # fmt: skip
