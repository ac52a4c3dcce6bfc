"""Whose trouble a refusal is, and whether for good: by its status first, then by its words.

Sources: RFC 3463 and the IANA registry of enhanced status codes for what a status means; RFC 5321 4.2 for replies
without one; the published wording of large receivers for statuses that they use for more than one thing.
"""

import re

from tandem.messenger.bounces.domain import (
    LONGEST_DIAGNOSIS,
    RECIPIENT_FOR_NOW,
    RECIPIENT_GONE,
    Category,
    Kind,
    Verdict,
)

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.])([245])\d\d(?![\d.])")
_ADDRESS = re.compile(r"[^\s<>@\"'(),;:]{1,128}@[^\s<>@\"'(),;:]{1,255}")
_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\u202a-\u202e\u2066-\u2069]+")

#: (subject, detail) of an enhanced status -> category
_MEANINGS: dict[tuple[int, int], Category] = {
    (1, 0): Category.BAD_MAILBOX,  # other address status
    (1, 1): Category.BAD_MAILBOX,  # bad destination mailbox address
    (1, 2): Category.BAD_DOMAIN,  # bad destination system address
    (1, 3): Category.BAD_MAILBOX,  # bad destination mailbox syntax
    (1, 4): Category.BAD_MAILBOX,  # ambiguous
    (1, 6): Category.INACTIVE_MAILBOX,  # has moved, no forwarding address
    (1, 7): Category.INVALID_SENDER,
    (1, 8): Category.INVALID_SENDER,
    (1, 9): Category.PROTOCOL,  # relayed to a mailer that does not speak this
    (1, 10): Category.BAD_DOMAIN,  # null MX (RFC 7505)
    (2, 1): Category.INACTIVE_MAILBOX,  # disabled, not accepting
    (2, 2): Category.QUOTA,  # full
    (2, 3): Category.CONTENT,  # longer than the mailbox allows
    (2, 4): Category.OTHER,  # mailing list expansion
    (3, 0): Category.OTHER,
    (3, 1): Category.BAD_CONNECTION,  # mail system full
    (3, 2): Category.BAD_CONNECTION,  # system not accepting
    (3, 3): Category.PROTOCOL,
    (3, 4): Category.CONTENT,  # too big for the system
    (3, 5): Category.CONFIGURATION,
    (4, 1): Category.NO_ANSWER,
    (4, 2): Category.BAD_CONNECTION,
    (4, 3): Category.ROUTING,  # directory server failure
    (4, 4): Category.ROUTING,  # unable to route
    (4, 5): Category.BAD_CONNECTION,  # congestion
    (4, 6): Category.ROUTING,  # loop
    (4, 7): Category.EXPIRED,
    (7, 5): Category.POLICY,
    (7, 13): Category.INACTIVE_MAILBOX,  # user account disabled
    (7, 17): Category.INACTIVE_MAILBOX,  # mailbox owner has changed (RFC 7293)
    (7, 18): Category.BAD_DOMAIN,  # domain owner has changed (RFC 7293)
}
#: subject alone, where its detail says no more
_SUBJECTS = {
    1: Category.BAD_MAILBOX,
    2: Category.OTHER,
    3: Category.OTHER,
    4: Category.BAD_CONNECTION,
    5: Category.PROTOCOL,
    6: Category.CONTENT,
    7: Category.POLICY,
}
#: statuses that servers use for more than their meaning: the words decide if they say something
_VAGUE = {
    (0, 0), (2, 0), (3, 0), (4, 0), (4, 1), (4, 4), (4, 7), (5, 0), (5, 1), (5, 2), (5, 4), (7, 0), (7, 1), (7, 2),
}  # fmt: skip
#: statuses that mean a mailbox: only words that speak of something else for certain override them
_MAILBOX = {(1, 0), (1, 1), (2, 1)}
_OVERRIDE = frozenset({Category.QUOTA, Category.SPAM, Category.RELAYING, Category.INACTIVE_MAILBOX})
#: words, in this order: what is certain to be ours or in transit comes before what may be the recipient's
_WORDS: tuple[tuple[Category, re.Pattern[str]], ...] = tuple(
    (category, re.compile(pattern, re.IGNORECASE))
    for category, pattern in (
        # Exchange Online's words for an address that its directory does not know
        (Category.BAD_MAILBOX, r"recipient address rejected: access denied"),
        (
            Category.QUOTA,
            r"(?:mail)?box.{0,20}(?:is )?full|over ?quota|quota.{0,20}exceeded|exceed.{0,30}quota|"
            r"out of (?:storage|disk)|not enough (?:disk|storage)|insufficient (?:system )?storage|storage limit",
        ),
        (Category.VIRUS, r"\bvirus|malware|infected|\bphish"),
        (
            Category.SPAM,
            r"\bspam|spamhaus|spamcop|barracuda|\brbl\b|dnsbl|black ?list|block ?list|blocked using|"
            r"listed (?:in|by|at|on)|poor reputation|low reputation|bulk mail|unsolicited|junk mail",
        ),
        (
            Category.RELAYING,
            r"relay(?:ing)? (?:access )?(?:denied|not permitted|not allowed|prohibited)|unable to relay|"
            r"not (?:allowed|permitted) to relay|relay not permitted|we do not relay",
        ),
        (
            Category.INVALID_SENDER,
            r"sender (?:address )?(?:rejected|denied|invalid|unknown|verify)|invalid sender|unknown sender|"
            r"domain of sender",
        ),
        (
            Category.POLICY,
            r"\bspf\b|\bdkim\b|\bdmarc\b|unauthenticated|authentication (?:required|fail|check)|policy|"
            r"rate.?limit|too many|throttl|greylist|grey-list|try again later|not authori[sz]ed|access denied|"
            r"reverse dns|ptr record|connections? from your|temporarily deferred|administrative(?:ly)? prohib",
        ),
        (
            Category.BAD_DOMAIN,
            r"nxdomain|host (?:or domain name )?not found|domain (?:name )?(?:not found|does not exist)|"
            r"no such domain|unrouteable (?:mail )?(?:domain|address)|name or service not known|"
            r"unknown (?:mail )?domain|null ?mx|does not accept mail|bad destination (?:host|system)|no mx\b",
        ),
        (
            Category.INACTIVE_MAILBOX,
            r"(?:account|mailbox|user|recipient|address).{0,40}(?:disabled|inactive|suspended|deactivated|"
            r"expired|closed|no longer|discontinued|locked)|no longer (?:valid|active|in use|works)|"
            r"has (?:left|moved)",
        ),
        (
            Category.BAD_MAILBOX,
            r"user (?:is )?unknown|unknown (?:local )?(?:user|recipient|mailbox|address)|no such (?:user|mailbox|"
            r"recipient|address|person|local user)|(?:user|mailbox|recipient|account|address)s? ?(?:.{0,40} )?"
            r"(?:does ?n[o']t exist|not exist|not found|unavailable|invalid|unknown|not known|not listed)|"
            r"invalid (?:recipient|mailbox|user|address)|recipient (?:address )?rejected|not our customer|"
            r"doesn'?t have (?:a|an) .{0,20}account|address (?:not found|rejected)|no mailbox (?:here|by that)|"
            r"not a valid (?:user|mailbox|recipient)|user doesn'?t",
        ),
        (
            Category.EXPIRED,
            r"retry time ?out exceeded|delivery time expired|message expired|(?:too long|giving up)|"
            r"undeliverable for|time.?out.{0,20}(?:queue|deliver)",
        ),
        (Category.ROUTING, r"mail loop|loop(?:s|ing)? (?:back|detected)|too many hops|routing"),
        (
            Category.NO_ANSWER,
            r"connection (?:timed out|refused)|no route to host|network (?:is )?unreachable|timed out|"
            r"no answer from|could not connect",
        ),
        (Category.BAD_CONNECTION, r"lost connection|connection (?:reset|dropped|closed|died)"),
        (
            Category.CONTENT,
            r"content|message (?:size|too)|too large|size limit|attachment|message rejected|not rfc|headers?\b",
        ),
        (Category.PROTOCOL, r"syntax error|command (?:not|unrecogni)|protocol|bad sequence|line too long"),
        (Category.CONFIGURATION, r"configuration|local (?:error|problem)|misconfigur"),
    )
)


def judged(status: str, words: str, *, action: str = "failed") -> Verdict:
    """The verdict of a failure: kind and category. status: '5.1.1', or '' to look for one in the words."""
    if action in {"delivered", "relayed", "expanded"}:
        return Verdict(kind=Kind.DELIVERED, category=Category.OTHER)
    digits = numbered(status, words)
    category = _category(digits, words)
    if action == "delayed":
        return Verdict(kind=Kind.DELAYED, category=category)
    return Verdict(kind=_kind(digits, category), category=category)


def numbered(status: str, words: str) -> tuple[int, int, int]:
    """Class, subject and detail: of the status, else of the first one in the words, else of a reply's number.

    A status that says nothing (x.0.0) gives way to one in the words. (0, 0, 0) = nothing says it.
    """
    stated = _parsed(status)
    said = _parsed(words[:1000])
    if said and (stated is None or stated[1:] == (0, 0)):
        return said
    if stated:
        return stated
    reply = _REPLY.search(words[:1000])
    return (int(reply[1]), 0, 0) if reply else (0, 0, 0)


def text_of(digits: tuple[int, int, int]) -> str:
    """'5.1.1'; '' for nothing known."""
    return ".".join(map(str, digits)) if digits[0] else ""


def without_addresses(words: str) -> str:
    """One line as it may be kept: no addresses, no control characters, not long."""
    line = _CONTROL.sub(" ", words[:2000])
    return _ADDRESS.sub("(address)", line).strip()[:LONGEST_DIAGNOSIS]


def _parsed(text: str) -> tuple[int, int, int] | None:
    found = _STATUS.search(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _category(digits: tuple[int, int, int], words: str) -> Category:
    meaning = digits[1:]
    stated = _MEANINGS.get(meaning) or _SUBJECTS.get(digits[1])
    if stated is not None and meaning not in _VAGUE | _MAILBOX:
        return stated
    spoken = _spoken(words)
    if spoken is None or (meaning in _MAILBOX and spoken not in _OVERRIDE):
        return stated or Category.OTHER
    return spoken


def _spoken(words: str) -> Category | None:
    line = words[:1000]
    return next((category for category, pattern in _WORDS if pattern.search(line)), None)


def _kind(digits: tuple[int, int, int], category: Category) -> Kind:
    """Hard only where a permanent refusal speaks of the recipient; ours and the way's are never the contact's."""
    if category in RECIPIENT_GONE:
        return Kind.SOFT if digits[0] == 4 else Kind.HARD
    if category in RECIPIENT_FOR_NOW:
        return Kind.SOFT
    if category is Category.OTHER:
        return Kind.SOFT
    return Kind.BLOCKED
