"""general/*: login, listeners, the day of the data."""

from typing import Any

from tandem.contract.planner_api import RegisteredListener
from tandem.contract.reading import ContractBroken, optional_number, plain_text, whole_number
from tandem.planner.accounts import service as accounts
from tandem.planner.api.call import ApiError, Call
from tandem.planner.customers import service as customers
from tandem.planner.customers.errors import NoSnapshot
from tandem.planner.listeners import service as listeners


def login(call: Call) -> str:
    """A token, by POST with a body or by the old GET with a query."""
    fields = call.query if call.body is None else call.fields()
    user, password = fields.get("username"), fields.get("password")
    if not user or not password or not isinstance(user, str) or not isinstance(password, str):
        raise ApiError(400, "Bad Request")
    if "\x00" in user:
        raise ApiError(401, "Unauthorized")
    return accounts.login(user, password, clock=call.clock)


def get_last_data_update(call: Call) -> dict[str, str]:
    """The day of the newest customer data; empty before the first."""
    try:
        return {"Date": customers.latest_snapshot(call.account_id).as_of.isoformat()}
    except NoSnapshot:
        return {"Date": ""}


def register_event_listener(call: Call) -> None:
    """Tell an address of an event type, of one channel or all."""
    fields = call.fields()
    url = _required(fields, "ListenerURL")
    listeners.register(
        call.account_id,
        event_type=whole_number(_required(fields, "EventTypeID"), "EventTypeID"),
        channel_id=optional_number(fields.get("channelid"), "ChannelID"),
        url=plain_text(url, "ListenerURL"),
        actor=call.actor,
        clock=call.clock,
    )


def unregister_event_listener(call: Call) -> None:
    """Tell it no more; without a channel all registrations of the type go."""
    fields = call.fields()
    listeners.unregister(
        call.account_id,
        event_type=whole_number(_required(fields, "EventTypeID"), "EventTypeID"),
        channel_id=optional_number(fields.get("channelid"), "ChannelID"),
        actor=call.actor,
        clock=call.clock,
    )


def get_registered_event_listeners(call: Call) -> list[dict[str, Any]]:
    """All current registrations; switched-off ones are not current."""
    skip, top = call.page()
    found = [
        RegisteredListener(event_type=row.event_type, channel_id=row.channel_id, url=row.url).document()
        for row in listeners.listeners(call.account_id)
        if row.is_active
    ]
    return found[skip : skip + top]


def _required(fields: dict[str, Any], name: str) -> Any:
    value = fields.get(name.lower())
    if value is None or value == "":
        raise ContractBroken(f"Missing {name}")
    return value
