"""Running sendings whose messages come back or are complained of: they pause by themselves."""

from django.db import connection

from tandem.kit.clock import Clock
from tandem.messenger.delivery import pausing
from tandem.messenger.engagement.domain import Kind

_COUNTS = """
SELECT count(DISTINCT attempt_id) FILTER (WHERE kind = %(bounced)s),
       count(DISTINCT attempt_id) FILTER (WHERE kind = %(complained)s)
FROM messenger_engagement_event WHERE account_id = %(account)s AND sending_id = %(sending)s
  AND kind IN (%(bounced)s, %(complained)s)
"""


def watch_running(*, clock: Clock) -> int:
    """Judge every sending that runs by its account's rules; how many paused."""
    return sum(_watch(account, sending, clock) for account, sending in pausing.running())


def _watch(account: int, sending: int, clock: Clock) -> bool:
    named = {
        "account": account,
        "sending": sending,
        "bounced": int(Kind.BOUNCED_HARD),
        "complained": int(Kind.COMPLAINED),
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, named)
        bounces, complaints = cursor.fetchone()
    return pausing.judge_responses(account, sending, bounces=bounces, complaints=complaints, clock=clock)
