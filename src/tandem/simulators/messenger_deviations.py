"""Ways in which a messenger may differ from the contract, one by one or all at once."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tandem.contract.messenger_api import TOKEN_HEADER
from tandem.contract.messenger_calls import MOMENTS
from tandem.simulators.deviations import Chosen, Deviation
from tandem.simulators.messenger_routes import Call
from tandem.simulators.server import Reply, Request, json_reply

CAP = 100
_TRIGGERS = ("GET /triggers", "GET /triggers/{triggerId}")
_NAMES = {
    "key-active": ("activeCampaign", "activeCampaignId"),
    "key-original": ("originalId", "externalId"),
    "key-address": ("emailAddress", "email"),
}
_CHANNELS = {1: "EMAIL", 2: "SMS", 4: "MIXED"}
#: deviation -> call that is not there
_LACKS = {
    "no-apiurl": "GET /apiurl",
    "no-projects": "GET /projects",
    "no-preview": "GET /triggers/{triggerId}/campaigns/{campaignId}/preview",
    "no-job-status": "GET /jobs/generation/fixed/{jobId}",
}

DEVIATIONS: tuple[Deviation, ...] = (
    Deviation(name="key-active", words="activeCampaign is called activeCampaignId"),
    Deviation(name="key-original", words="originalId is called externalId"),
    Deviation(name="key-address", words="emailAddress is called email"),
    Deviation(name="id-text", words="ids are text"),
    Deviation(name="time-text", words="times are written 2015-09-04T13:45:10.577+00:00, null for none"),
    Deviation(name="flag-text", words="true and false are text"),
    Deviation(name="envelope", words="answers come inside an object, under the key data"),
    Deviation(name="paging-names", words="limit and after are said for pageSize and lastId"),
    Deviation(name="page-cap", words=f"a page holds {CAP} contacts at most, whatever is asked for"),
    Deviation(name="empty-404", words="an empty list is answered with 404"),
    Deviation(name="token-header", words="the token goes in Authorization, after Bearer"),
    Deviation(name="no-apiurl", words="there is no connection test"),
    Deviation(name="no-projects", words="there is no list of projects"),
    Deviation(name="no-preview", words="there is no preview"),
    Deviation(name="missing-active", words="triggers do not tell whether they are active"),
    Deviation(name="basic-trims", words="basic=true leaves out the channel and the active version"),
    Deviation(name="channel-words", words="channelTypeId is EMAIL or SMS"),
    Deviation(name="status-words", words="a batch that is done is COMPLETED"),
    Deviation(name="stat-array", words="statDtos is an array"),
    Deviation(name="url-bare", words="the address of a result is a bare string"),
    Deviation(name="no-job-status", words="a job cannot be asked for", mended=False),
    Deviation(name="error-200", words="an unknown trigger is answered with 200 and an error", mended=False),
)
NAMES = tuple(one.name for one in DEVIATIONS)


class MessengerDeviant(Chosen):
    """Applies the chosen deviations of a messenger."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        super().__init__(names, NAMES)
        self._renamed = dict(_NAMES[name] for name in names if name in _NAMES)
        self._lacks = {_LACKS[name] for name in names if name in _LACKS}

    def lacks(self, name: str) -> bool:
        """Whether a call is not there."""
        return name in self._lacks

    def token_of(self, headers: Mapping[str, str]) -> str | None:
        """The token a request carries, None if it carries none."""
        if self.has("token-header"):
            said = headers.get("authorization", "")
            return said.removeprefix("Bearer ") if said.startswith("Bearer ") else None
        return headers.get(TOKEN_HEADER.lower())

    def asked(self, request: Request) -> Request:
        """The request with the contract's paging names, as this messenger heeds them."""
        query = dict(request.query)
        if self.has("paging-names"):
            query.pop("pageSize", None)
            query.pop("lastId", None)
            query |= {to: query[of] for of, to in (("limit", "pageSize"), ("after", "lastId")) if of in query}
        if self.has("page-cap"):
            query["pageSize"] = str(min(int(query.get("pageSize", "1000")), CAP))
        return replace(request, query=query)

    def failed(self, path: str, reply: Reply) -> Reply:
        """A 404 as this messenger says it."""
        if self.has("error-200") and reply.status == 404 and path.startswith("/triggers/"):
            return replace(reply, status=200)
        return reply

    def answer(self, name: str, call: Call, document: Any) -> Reply:
        """An answer as this messenger gives it."""
        if document == [] and self.has("empty-404"):
            return json_reply({"error": "Nothing was found."}, 404)
        if name == "GET /batches/{exportId}/result/url" and self.has("url-bare"):
            return json_reply(document["url"])
        if name == "GET /triggers" and self.has("basic-trims") and call.asked("basic") == "true":
            document = [
                {k: v for k, v in row.items() if k not in ("channelTypeId", "activeCampaign")}
                for row in document
            ]
        document = self._changed(document, is_trigger=name in _TRIGGERS)
        return json_reply({"data": document} if self.has("envelope") else document)

    def _changed(self, document: Any, *, is_trigger: bool) -> Any:
        if not self._names:
            return document
        if isinstance(document, list):
            return [self._changed(one, is_trigger=is_trigger) for one in document]
        if not isinstance(document, dict):
            return document
        left_out = {"active"} if is_trigger and self.has("missing-active") else set()
        return {
            self._renamed.get(key, key): self._value(key, value)
            for key, value in document.items()
            if key not in left_out
        }

    def _value(self, key: str, value: Any) -> Any:
        if key == "statDtos" and self.has("stat-array") and value is not None:
            return [self._changed(value, is_trigger=False)]
        if isinstance(value, list | dict):
            return self._changed(value, is_trigger=False)
        if isinstance(value, bool):
            return str(value).lower() if self.has("flag-text") else value
        if key == "channelTypeId" and self.has("channel-words"):
            return _CHANNELS[value]
        if key == "status" and value == "FINISHED" and self.has("status-words"):
            return "COMPLETED"
        if key.lower() in MOMENTS:
            return self._moment(value) if self.has("time-text") else value
        is_id = key == "id" or key.endswith("Id") or key == "activeCampaign"
        return str(value) if self.has("id-text") and is_id and isinstance(value, int) else value

    def _moment(self, value: int) -> str | None:
        if not value:
            return None
        return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="milliseconds")
