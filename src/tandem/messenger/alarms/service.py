"""Verbs of alarms, on the messenger's tables."""

from tandem.kit.alarms.book import Tables
from tandem.kit.alarms.installed import verbs
from tandem.messenger.accounts import service as accounts
from tandem.messenger.alarms import watching
from tandem.messenger.alarms.models import Alarm, Look, Telling, Way

half, teller, book, outage = verbs(
    "messenger", Tables(alarm=Alarm, telling=Telling, way=Way, look=Look), watching.WATCHES, accounts
)
