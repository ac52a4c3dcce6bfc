"""Verbs of alarms, on the messenger's tables."""

from django.conf import settings

from tandem.kit.alarms import installed
from tandem.kit.alarms.book import Book, Tables
from tandem.kit.alarms.running import Outage
from tandem.kit.alarms.telling import Half, Teller
from tandem.kit.alarms.watching import WATCHES
from tandem.kit.clock import Clock
from tandem.messenger.accounts import service as accounts
from tandem.messenger.alarms import watching
from tandem.messenger.alarms.models import Alarm, Look, Telling, Way

_tables = Tables(alarm=Alarm, telling=Telling, way=Way, look=Look)


def half() -> Half:
    """What telling needs to know of this half, as the settings are now."""
    return Half(
        name="messenger",
        base_url=settings.TANDEM_PUBLIC_URL,
        own=installed.own_ways(),
        vault=settings.TANDEM_VAULT,
        means=installed.means(),
        name_of=lambda account_id: accounts.get_account(account_id).name,
        record=_record,
    )


def _record(account_id: int, actor: str, action: str, detail: dict[str, object], clock: Clock) -> None:
    accounts.record(account_id, actor=actor, action=action, subject="alarms", detail=detail, clock=clock)


teller = Teller(_tables, half)
book = Book(_tables, [*WATCHES, *watching.WATCHES], teller.ways_of)
outage = Outage(half)
