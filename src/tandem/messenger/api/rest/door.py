"""The door: signs the caller in, finds the handler by method and path, answers JSON always."""

import logging

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from tandem.kit import clock as clocks
from tandem.kit.problems import Problem
from tandem.messenger.accounts.service import authenticate_api
from tandem.messenger.api.rest import handlers
from tandem.messenger.api.rest.call import Call, segments_of

logger = logging.getLogger(__name__)
_MODES = ("all", "bounced", "unsubscribed")
#: `#` = a whole number, `*` = any text, `mode` = a mode of contacts; the first segment is the customer id
ROUTES: tuple[tuple[str, str, handlers.Handler], ...] = (
    ("GET", "apiurl", handlers.apiurl),
    ("GET", "ping", handlers.ping),
    ("GET", "projects", handlers.list_projects),
    ("GET", "projects/#", handlers.get_project),
    ("GET", "triggers", handlers.list_triggers),
    ("GET", "triggers/#", handlers.get_trigger),
    ("GET", "triggers/#/campaigns", handlers.list_campaigns),
    ("GET", "triggers/#/campaigns/#/preview", handlers.preview),
    ("GET", "lists", handlers.list_lists),
    ("GET", "lists/#", handlers.get_list),
    ("GET", "lists/#/contacts/mode", handlers.page_contacts),
    ("POST", "lists/#/contacts", handlers.create_contact),
    ("GET", "lists/#/contacts/*", handlers.get_contact),
    ("PUT", "lists/#/contacts/*/update", handlers.update_contact),
    ("GET", "lists/#/contacts/*/bouncestatus", handlers.bounce_status),
    ("GET", "lists/#/contacts/*/subscriptionstatus", handlers.subscription_status),
    ("POST", "lists/#/imports", handlers.start_import),
    ("POST", "lists/#/recipients/*", handlers.upload),
    ("GET", "batches/#", handlers.get_batch),
    ("GET", "properties", handlers.list_properties),
)
#: first words of the published API that are not built
# fmt: off
KNOWN = frozenset({
    "abandonedcart", "apps", "authentication", "auto", "batches", "batchtrigger", "campaigns", "contacts",
    "emailclients", "features", "forms", "filters", "ftpaccounts", "integration", "jobs", "journeys",
    "lists", "messages", "microsites", "pe", "placeholders", "projects", "properties", "purchasehistory",
    "reports", "retention", "sheduled", "sms", "systemfeedback", "systeminfo", "systemusers", "token",
    "tracking", "triggers", "webhooks", "maintenance",
})
# fmt: on


@csrf_exempt
def answer(request: HttpRequest) -> HttpResponse:
    """Any request under /rest/. Never an empty body, never 204, never a redirect."""
    try:
        segments = segments_of(request)
        call = _signed_in(request, segments)
        handler, status, words = _route(request.method or "GET", segments[1:])
        if handler is None:
            return _error(status, words)
        return _json(handler(call), 200)
    except Problem as problem:
        refused = _error(problem.status, f"{problem.detail} {problem.advice}".strip())
        if problem.status == 401:
            refused.headers["WWW-Authenticate"] = 'Basic realm="Symplify", charset="UTF-8"'
        return refused
    except Exception:
        logger.exception("REST call failed")
        return _error(500, "Something went wrong here. It was logged.")


def _signed_in(request: HttpRequest, segments: tuple[str, ...]) -> Call:
    said = segments[0]
    customer_id = int(said) if said.isascii() and said.isdigit() and len(said) < 16 else 0
    caller = authenticate_api(
        token=request.headers.get("X-Carma-Authentication-Token"),
        authorization=request.headers.get("Authorization"),
        customer_id=customer_id,
    )
    return Call(request, caller.account_id, caller.user_name, segments, clocks.from_environment())


def _route(method: str, segments: tuple[str, ...]) -> tuple[handlers.Handler | None, int, str]:
    if segments and segments[-1] == "" and segments[-2:-1] != ("contacts",):
        segments = segments[:-1]  # one final slash is allowed
    method = "GET" if method == "HEAD" else method
    others = set()
    for verb, path, handler in ROUTES:
        if _matches(path.split("/"), segments):
            if verb == method:
                return handler, 200, ""
            others.add(verb)
    if others and method not in ("POST", "PUT", "DELETE"):
        return None, 405, f"This address takes {', '.join(sorted(others))}."
    if "" in segments:
        return None, 404, "A part of this address is empty."
    if segments and segments[0].lower() in KNOWN:
        return None, 501, "This messenger does not offer this call yet."
    return None, 404, "There is nothing at this address."


def _matches(path: list[str], segments: tuple[str, ...]) -> bool:
    return len(path) == len(segments) and all(map(_fits, path, segments))


def _fits(wanted: str, said: str) -> bool:
    if wanted == "#":
        return said.isascii() and said.isdigit() and len(said) < 18
    if wanted == "mode":
        return said in _MODES
    return bool(said) if wanted == "*" else said == wanted


def _json(document: object, status: int) -> HttpResponse:
    return HttpResponse(orjson.dumps(document), status=status, content_type="application/json")


def _error(status: int, words: str) -> HttpResponse:
    return _json({"error": words}, status)
