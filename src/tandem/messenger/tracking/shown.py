"""A message shown again in a browser: the author's HTML without scripts, forms or an origin of ours."""

import html
import re

from starlette.responses import HTMLResponse

from tandem.messenger.messages.domain import Shown

#: pictures and styles of the message may load; nothing runs, and links open on their own
POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src http: https: data:; font-src http: https: data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
CHANGED = "Some of your details have changed since this message was sent. It is shown with those of today."
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_SMS = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Message</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"></head><body>{notice}<pre style="white-space:'
    'pre-wrap;font:inherit">{text}</pre></body></html>'
)


def answer(shown: Shown, headers: dict[str, str]) -> HTMLResponse:
    """The page of a message."""
    notice = "" if shown.exact else f'<p style="font:14px sans-serif;margin:8px"><em>{CHANGED}</em></p>'
    if shown.html:
        content = _with_notice(shown.html, notice)
    else:
        content = _SMS.format(notice=notice, text=html.escape(shown.text))
    return HTMLResponse(content, headers={**headers, "Content-Security-Policy": POLICY})


def _with_notice(page: str, notice: str) -> str:
    found = _BODY.search(page)
    at = found.end() if found else 0
    return page[:at] + notice + page[at:]
