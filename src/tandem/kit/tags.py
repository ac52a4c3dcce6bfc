"""Template tags and filters of every page: icons, numbers, local times, states, navigation."""

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
ICONS = Path(__file__).resolve().parent / "static" / "vendor" / "tabler-icons"

_GREY, _BLUE, _GREEN, _YELLOW, _RED = "secondary", "blue", "green", "yellow", "red"
STATES: dict[str, tuple[str, str]] = {
    "draft": (_GREY, "edit"),
    "scheduled": (_BLUE, "clock"),
    "making list": (_BLUE, "list"),
    "waiting for clearance": (_YELLOW, "clock"),
    "waiting for messenger": (_YELLOW, "loader"),
    "waiting": (_YELLOW, "clock"),
    "ready": (_BLUE, "clock"),
    "queued": (_BLUE, "clock"),
    "held": (_YELLOW, "alert-triangle"),
    "fetching": (_BLUE, "download"),
    "sending": (_BLUE, "send"),
    "uploaded": (_BLUE, "loader"),
    "claimed": (_BLUE, "loader"),
    "running": (_BLUE, "loader"),
    "sent": (_GREEN, "circle-check"),
    "done": (_GREEN, "circle-check"),
    "active": (_GREEN, "circle-check"),
    "accepted": (_GREEN, "circle-check"),
    "delivered": (_GREEN, "circle-check"),
    "verified": (_GREEN, "circle-check"),
    "not verified": (_YELLOW, "clock"),
    "refused for now": (_YELLOW, "clock"),
    "refused": (_RED, "circle-x"),
    "not sent": (_RED, "circle-x"),
    "sent with failures": (_YELLOW, "alert-triangle"),
    "uncertain": (_YELLOW, "help-circle"),
    "retry": (_YELLOW, "refresh"),
    "skipped": (_GREY, "ban"),
    "not run": (_RED, "circle-x"),
    "missed": (_RED, "circle-x"),
    "failed": (_RED, "circle-x"),
    "error": (_RED, "circle-x"),
    "bounced": (_RED, "circle-x"),
    "hard": (_RED, "circle-x"),
    "soft": (_YELLOW, "refresh"),
    "blocked": (_YELLOW, "ban"),
    "delayed": (_YELLOW, "clock"),
    "complaint": (_RED, "alert-triangle"),
    "unsubscribed": (_GREY, "ban"),
    "automatic reply": (_GREY, "message"),
    "reply": (_GREY, "message"),
    "being cancelled": (_YELLOW, "ban"),
    "cancelled": (_GREY, "ban"),
    "closed": (_GREY, "ban"),
}


@lru_cache(maxsize=256)
def _drawing(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise template.TemplateSyntaxError(f"{name!r} is no icon name.")
    found = re.search(r"<svg[^>]*>(.*)</svg>", (ICONS / f"{name}.svg").read_text(), re.DOTALL)
    return found.group(1).strip() if found else ""


@register.simple_tag
def icon(name: str, css_class: str = "") -> SafeString:
    """The icon drawn in place, hidden from screen readers; words beside it say the same."""
    return format_html(
        '<svg class="icon {}" width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" '
        'focusable="false">{}</svg>',
        css_class,
        mark_safe(_drawing(name)),  # noqa: S308 - a file of our own
    )


@register.simple_tag
def state(word: object, shown: str = "") -> SafeString:
    """A state as colour, icon and word."""
    text = str(getattr(word, "value", word)).replace("_", " ")
    colour, drawing = STATES.get(text.lower(), (_GREY, "circle"))
    return format_html(
        '<span class="badge state bg-{}-lt">{}{}</span>', colour, icon(drawing), (shown or text).capitalize()
    )


@register.filter
def thousands(number: object) -> str:
    """12345 -> 12,345; empty for None."""
    if number is None or number == "":
        return ""
    if isinstance(number, float | Decimal) and number != int(number):
        return f"{number:,.2f}"
    return f"{int(str(number).split('.')[0]):,}"


@register.simple_tag
def percent(part: float | None, whole: float | None) -> str:
    """61 of 100 -> `61 %`; rounded down so that 100 % means all; `0 %` of nothing."""
    if not part or not whole:
        return "0 %"
    share = 100 * part / whole
    return "< 1 %" if share < 1 else f"{int(share)} %"


@register.filter
def local(instant: datetime | None, zone: str = "UTC") -> str:
    """An instant as `Mon 30 Nov 2026 09:30` in the named zone; empty for None."""
    return date_format(instant.astimezone(ZoneInfo(zone or "UTC")), "D j M Y H:i") if instant else ""


@register.filter
def local_time(instant: datetime | None, zone: str = "UTC") -> str:
    """An instant as `09:30:05` in the named zone; empty for None."""
    return f"{instant.astimezone(ZoneInfo(zone or 'UTC')):%H:%M:%S}" if instant else ""


@register.filter
def wide_date(day: Any) -> str:
    """A date as `Mon 30 Nov 2026`; empty for None."""
    return date_format(day, "D j M Y") if day else ""


@register.filter
def city(zone: str) -> str:
    """`Europe/Stockholm` -> `Stockholm`."""
    return str(zone).rsplit("/", 1)[-1].replace("_", " ")


@register.inclusion_tag("_nav_item.html", takes_context=True)
def nav_item(
    context: dict[str, Any], label: str, url: str, drawing: str, also: str = "", but: str = ""
) -> dict[str, Any]:
    """One entry of the side menu, marked when the page is under its address or one of `also`, not of `but`."""
    path = context["request"].path
    here = path == url if url == "/ui/" else _under(path, (url, *also.split()))
    return {"label": label, "url": url, "drawing": drawing, "here": here and not _under(path, but.split())}


def _under(path: str, addresses: Iterable[str]) -> bool:
    return any(path == one or path.startswith(one + "/") for one in addresses)
