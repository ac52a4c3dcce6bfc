"""Everything other rooms may do with what happened after hand-over."""

from tandem.messenger.engagement.service.counting import count_due, tallies_of
from tandem.messenger.engagement.service.dropping import drop_raw
from tandem.messenger.engagement.service.judging import judge
from tandem.messenger.engagement.service.looking import grown, looked, settled_until
from tandem.messenger.engagement.service.ordering import engaged_first
from tandem.messenger.engagement.service.personal import export, forget
from tandem.messenger.engagement.service.reading import (
    events_of,
    events_of_sending,
    first_reactions,
    kinds_of,
    response_of,
    returns_of,
    version_tallies,
)
from tandem.messenger.engagement.service.receipts import receipts_of
from tandem.messenger.engagement.service.recording import record, record_reactions
from tandem.messenger.engagement.service.watching import watch_running

__all__ = [
    "count_due",
    "drop_raw",
    "engaged_first",
    "events_of",
    "events_of_sending",
    "export",
    "first_reactions",
    "forget",
    "grown",
    "judge",
    "kinds_of",
    "looked",
    "receipts_of",
    "record",
    "record_reactions",
    "response_of",
    "returns_of",
    "settled_until",
    "tallies_of",
    "version_tallies",
    "watch_running",
]
