"""The recipients' door as it is served: pages, and in front of them what every message asks for."""

from tandem.messenger.tracking import app

from django.conf import settings  # isort: skip - the pages' module comes first, it names the half

from tandem.kit import clock as clocks
from tandem.messenger.engagement.networks import Networks
from tandem.messenger.tracking.buffer import Buffer
from tandem.messenger.tracking.counting import Counter
from tandem.messenger.tracking.links import Tables


def build() -> Counter:
    """A door of its own, with a buffer and tables of its own."""
    tables = Tables()
    buffer = Buffer(tables, clocks.from_environment(), Networks(settings.TANDEM_MACHINE_NETWORKS))
    return Counter(app.application, buffer, tables, (settings.SECRET_KEY, *settings.TANDEM_OLD_LINK_KEYS))


application = build()
