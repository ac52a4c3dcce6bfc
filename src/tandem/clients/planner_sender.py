"""What a third-party sender asks a planner beside the campaigns: attributes of the listed, templates, apps."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import orjson

from tandem.clients import planner_problems as problems
from tandem.clients.planner import PlannerClient
from tandem.clients.planner_calls import shaped
from tandem.contract.planner_api import ExecutionRow
from tandem.contract.reading import ContractBroken, folded, items, plain_text, whole_number

AT_ONCE = 100
DELIMITER = ";"


@dataclass(frozen=True, kw_only=True, slots=True)
class RowWithAttributes(ExecutionRow):
    """A customer of the list, with the attributes that were asked for, None where the planner has no value."""

    attributes: tuple[str | None, ...] = ()


class SenderPlanner(PlannerClient):
    """A planner's client with the functions of a third-party sender.

    attributes: RealFieldNames asked for with every customer of a list; its rows are then RowWithAttributes.
    """

    def __init__(self, base_url: str, *, attributes: Sequence[str] = (), **more: Any) -> None:
        super().__init__(base_url, **more)
        self._attributes = tuple(attributes)

    def channel_templates(self, channel_id: int) -> dict[int, str]:
        """The templates the planner offers on a channel: id -> name."""
        return dict(self._all("integrations/GetChannelTemplates", _template, ChannelID=channel_id))

    def add_channel_templates(self, channel_id: int, rows: Sequence[tuple[int, str, int]]) -> None:
        """Offer templates (id, name, project); one that is there is renamed."""
        body = [{"TemplateID": number, "TemplateName": name, "AppID": str(app)} for number, name, app in rows]
        self._in_batches("integrations/AddChannelTemplates", body, channel_id)

    def delete_channel_templates(self, channel_id: int, numbers: Sequence[int]) -> None:
        """Offer them no more."""
        body = [{"ChannelID": channel_id, "TemplateID": number} for number in numbers]
        self._in_batches("integrations/DeleteChannelTemplates", body, None)

    def add_channel_apps(self, channel_id: int, rows: Sequence[tuple[int, str]]) -> None:
        """Offer projects (id, name) as apps; one that is there is renamed."""
        body = [{"AppID": number, "AppName": name} for number, name in rows]
        self._in_batches("integrations/AddChannelApps", body, channel_id)

    def delete_channel_apps(self, channel_id: int, numbers: Sequence[int]) -> None:
        """Offer them no more."""
        body = [{"ChannelID": channel_id, "AppID": number} for number in numbers]
        self._in_batches("integrations/DeleteChannelApps", body, None)

    def _in_batches(self, function: str, body: list[dict[str, Any]], channel_id: int | None) -> None:
        query = (
            {} if channel_id is None else {self._profile.asked.get("ChannelID", "ChannelID"): str(channel_id)}
        )
        for start in range(0, len(body), AT_ONCE):
            content = orjson.dumps(self._profile.outgoing(body[start : start + AT_ONCE]))
            answer = self._authorised("POST", function, query, content)
            if answer.status not in self._profile.written:
                self._explain(answer)
            if answer.is_html:
                raise problems.html(answer.address)

    def _execution_page(self, campaign_id: int, channel_id: int, skip: int) -> list[ExecutionRow]:
        if not self._attributes:
            return super()._execution_page(campaign_id, channel_id, skip)
        query: dict[str, Any] = {"CampaignID": campaign_id, "ChannelID": channel_id}
        query |= {
            "CustomerAttributes": DELIMITER.join(self._attributes),
            "CustomerAttributesDelimiter": DELIMITER,
            **self._profile.page(skip, self._page),
        }
        document = self._get("customers/GetCustomerExecutionDetailsByCampaign", is_page=True, **query)
        return shaped(lambda found: [self._with_attributes(one) for one in items(found, "list")], document)

    def _with_attributes(self, document: Any) -> ExecutionRow:
        row = ExecutionRow.read(document)
        values = _values(folded(document, "customer row"), len(self._attributes))
        return RowWithAttributes(
            **{field.name: getattr(row, field.name) for field in fields(ExecutionRow)}, attributes=values
        )


def _values(found: dict[str, Any], count: int) -> tuple[str | None, ...]:
    """The attributes as an array, or as text joined by the delimiter. Raises ContractBroken if their number differs."""
    given = found.get("customerattributes", found.get("customerattribute"))
    if isinstance(given, str):
        given = given.split(DELIMITER)
    values = items(given, "list of attributes")
    if len(values) != count:
        raise ContractBroken("A customer has another number of attributes than was asked for.")
    return tuple(None if one is None else plain_text(one, "CustomerAttributes") for one in values)


def _template(document: Any) -> tuple[int, str]:
    found = folded(document, "template")
    return (
        whole_number(found.get("templateid"), "TemplateID"),
        plain_text(found.get("templatename") or "", "TemplateName"),
    )
