"""Verbs of alarms, on the planner's tables."""

from tandem.kit.alarms.book import Tables
from tandem.kit.alarms.installed import verbs
from tandem.planner.accounts import service as accounts
from tandem.planner.alarms import watching
from tandem.planner.alarms.models import Alarm, Look, Telling, Way

half, teller, book, outage = verbs(
    "planner", Tables(alarm=Alarm, telling=Telling, way=Way, look=Look), watching.WATCHES, accounts
)
