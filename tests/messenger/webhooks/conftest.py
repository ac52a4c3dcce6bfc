"""An account with a list and triggers, another beside it, and a receiver."""

from datetime import UTC, datetime

import pytest
from tests.fixtures.hooks import receiver
from tests.fixtures.messages import create_desk

from tandem.kit.clock import FrozenClock

NOW = datetime(2026, 6, 29, 9, 7, 49, 913000, tzinfo=UTC)


@pytest.fixture(scope="module")
def kept_desks(keep):
    return keep(lambda _: (create_desk(), create_desk(7002, "Other")))


@pytest.fixture
def desks(kept_desks, db, settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    return kept_desks.take(settings, tmp_path)


@pytest.fixture
def desk(desks):
    return desks[0]


@pytest.fixture
def clock():
    return FrozenClock(NOW)


@pytest.fixture
def hook(settings):
    with receiver() as mine:
        settings.TANDEM_ALLOW_PRIVATE = (mine.pair,)
        yield mine
