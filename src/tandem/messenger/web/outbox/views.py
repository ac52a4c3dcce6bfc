"""The outbox: what the file provider wrote instead of sending."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.domain import OutboxMessage
from tandem.messenger.testsends import service as testsends
from tandem.messenger.web.frames import framed
from tandem.messenger.web.pages import PAGE, account_id, page

CHANNELS = ("email", "sms")


@require_GET
@page
def outbox(request: HttpRequest) -> HttpResponse:
    """The newest messages of one channel or of both."""
    account = account_id(request)
    channel = request.GET.get("channel")
    channel = channel if channel in CHANNELS else None
    messages = delivery.outbox(account, channel, limit=PAGE + 1, before=request.GET.get("before"))
    sizes = delivery.outbox_sizes(account)
    context = {
        "messages_read": messages[:PAGE],
        "next": messages[PAGE - 1].name if len(messages) > PAGE else None,
        "channel": channel,
        "emails": sizes["email"],
        "texts": sizes["sms"],
        "first": "before" not in request.GET,
    }
    return render(request, "outbox/list.html", context)


@require_GET
@page
def message(request: HttpRequest, channel: str, name: str) -> HttpResponse:
    """One message: as seen, as text, as sent."""
    return _page_of(request, delivery.outbox_message(account_id(request), _known(channel), name))


@require_GET
@page
def test_message(request: HttpRequest, channel: str, name: str) -> HttpResponse:
    """The same of a test or a code."""
    return _page_of(request, testsends.message(account_id(request), _known(channel), name), is_test=True)


def _page_of(request: HttpRequest, found: OutboxMessage, *, is_test: bool = False) -> HttpResponse:
    head, _, _ = found.raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    context = {"message": found, "headers": head.decode("utf-8", "replace"), "size": len(found.raw)}
    context["is_test"] = is_test
    return render(request, "outbox/one.html", context)


@require_GET
@page
def frame(request: HttpRequest, channel: str, name: str) -> HttpResponse:
    """The message's HTML for the sandboxed frame; pictures from elsewhere stay away, opening them would count."""
    found = delivery.outbox_message(account_id(request), _known(channel), name)
    return framed(found.html, pictures="data:")


@require_GET
@page
def test_frame(request: HttpRequest, channel: str, name: str) -> HttpResponse:
    """The same of a test."""
    found = testsends.message(account_id(request), _known(channel), name)
    return framed(found.html, pictures="data:")


@require_GET
@page
def raw(request: HttpRequest, channel: str, name: str) -> HttpResponse:
    """The message as it would have left, as a file."""
    found = delivery.outbox_message(account_id(request), _known(channel), name)
    answer = HttpResponse(found.raw, content_type="application/octet-stream")
    answer["Content-Disposition"] = 'attachment; filename="message.eml"'
    return answer


def _known(channel: str) -> str:
    if channel not in CHANNELS:
        raise Http404
    return channel
