"""customers/*: who gets what."""

import re
from typing import Any

from tandem.contract.planner_api import DETAILS_PAGE, PAGE
from tandem.contract.reading import ContractBroken
from tandem.planner.accounts.domain import Rights
from tandem.planner.api.call import Call
from tandem.planner.customers import service as customers
from tandem.planner.execution import service as execution

_DELIMITERS = frozenset(":/?&#%$+=")
_MOST_ATTRIBUTES = 40


def get_customer_execution_details_by_campaign(call: Call) -> list[dict[str, Any]]:
    """The list of an occurrence: who gets what on which channel; a page of up to 200,000 rows."""
    campaign_id, channel_id = call.number("CampaignID"), call.optional_number("ChannelID")
    if channel_id is None and call.caller is not None and call.caller.rights is Rights.THIRD_PARTY:
        raise ContractBroken("Missing ChannelID")
    skip, top = call.page(DETAILS_PAGE)
    rows = execution.execution_rows(call.account_id, campaign_id, channel_id, skip=skip, top=top)
    _add_attributes(call, rows)
    execution.details_served(
        call.account_id, campaign_id, channel_id, skip=skip, rows=len(rows), clock=call.clock
    )
    return rows


def get_customer_send_details_by_channel(call: Call) -> list[dict[str, Any]]:
    """Who gets which template on a channel, with the attributes asked for; a page of up to 10,000 rows."""
    channel_id, campaign_id = call.number("ChannelID"), call.number("CampaignID")
    skip, top = call.page(PAGE)
    rows = execution.send_rows(call.account_id, campaign_id, channel_id, skip=skip, top=top)
    _add_attributes(call, rows)
    execution.details_served(
        call.account_id, campaign_id, channel_id, skip=skip, rows=len(rows), clock=call.clock
    )
    return rows


def _add_attributes(call: Call, rows: list[dict[str, Any]]) -> None:
    """The values in the order asked: an array in `current`, one string in `vN.N`; the key is in every row."""
    asked = call.query.get("customerattributes") or call.query.get("customerattribute") or ""
    names = [name.strip() for name in re.split("[;,]", asked) if name.strip()]
    if not names:
        return
    delimiter = call.query.get("customerattributesdelimiter") or ","
    if len(delimiter) != 1 or delimiter in _DELIMITERS:
        raise ContractBroken("Invalid CustomerAttributesDelimiter")
    if len(names) > _MOST_ATTRIBUTES or "\x00" in asked:
        raise ContractBroken("Invalid CustomerAttributes")
    values = customers.attributes_for(call.account_id, [row["CustomerID"] for row in rows], names)
    nothing: list[str | None] = [None] * len(names)
    for row in rows:
        found = values.get(row["CustomerID"], nothing)
        if call.is_current:
            row["CustomerAttributes"] = found
        else:
            row["CustomerAttribute"] = delimiter.join(value or "" for value in found)
