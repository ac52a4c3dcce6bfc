"""What a foreign messenger is asked with: ids that it told itself."""

from typing import Any

from tandem.contract.messenger_calls import WireCall

#: call -> what its answer's first row gives: our name of a value, its key
_TELLS = {
    "GET /projects": (("projectId", "id"),),
    "GET /lists": (("listId", "id"),),
    "GET /lists/{listId}/contacts/all": (("contactId", "id"), ("originalId", "originalid")),
    "POST /lists/{listId}/imports": (("importId", "id"),),
    "POST /lists/{listId}/recipients/{importId}": (("batchId", "batchid"),),
    "POST /batches/exports/statistics": (("exportId", "batchid"),),
    "POST /jobs/generation/fixed": (("jobId", "id"),),
}
_QUERIES: dict[str, dict[str, Any]] = {
    "GET /triggers": {"basic": "false"},
    "GET /triggers/{triggerId}/messages": {"nostat": "true", "noOfMessages": 10},
    "GET /lists/{listId}/messages": {"nostat": "true", "noOfMessages": 10},
    "GET /lists": {"typeId": 1},
}
_PAGE = {"channel": "MIXED", "includeProperties": "true"}


class Values:
    """Values for paths, learnt on the way; trigger: the one to look at, 0 = the first that can be sent."""

    def __init__(self, *, trigger: int, original_id: str) -> None:
        self._trigger = trigger
        self.found: dict[str, Any] = {"originalId": original_id} if original_id else {}

    def path(self, call: WireCall) -> str:
        """The call's path with its values; or, as a sentence after `?`, why they are not known."""
        missing = [name for name in call.places if name not in self.found]
        return f"?no {' and '.join(missing)} is known" if missing else call.path

    def query(self, call: WireCall) -> dict[str, Any]:
        """Its parameters."""
        if call.path.endswith("/preview"):
            return {"originalId": self.found.get("originalId", "")}
        return dict(_QUERIES.get(call.name, {}))

    def contacts(self, paging: dict[str, int]) -> dict[str, Any]:
        """The parameters of a page of contacts."""
        return {**paging, **_PAGE}

    def learn(self, call: WireCall, document: Any) -> None:
        """Keep what the answer tells; document: in the contract's words."""
        rows = (
            [one for one in document if isinstance(one, dict)] if isinstance(document, list) else [document]
        )
        folded = [
            {str(key).lower(): value for key, value in row.items()} for row in rows if isinstance(row, dict)
        ]
        if call.name == "GET /triggers":
            self._learn_trigger(folded)
        for name, key in _TELLS.get(call.name, ()):
            value = folded[0].get(key) if folded else None
            if value not in (None, ""):
                self.found.setdefault(name, value)

    def _learn_trigger(self, rows: list[dict[str, Any]]) -> None:
        """One that can be sent is looked at, of a project and a list that it names itself."""
        wanted = [row for row in rows if str(row.get("id")) == str(self._trigger)]
        usable = [row for row in rows if str(row.get("activecampaign") or "0") != "0"]
        row = next(iter(wanted or usable or rows), {})
        keys = (("triggerId", "id"), ("campaignId", "activecampaign"), ("listId", "listid"))
        for name, key in (*keys, ("projectId", "projectid")):
            if row.get(key) not in (None, "", 0, "0"):
                self.found[name] = row[key]
