"""A house whose triggers programs send, built once per file."""

import pytest
from tests.fixtures.messages import create_desk

from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.delivery.sender import life as sender


@pytest.fixture(scope="module")
def kept_desk(keep):
    return keep(lambda _: create_desk())


@pytest.fixture
def desk(kept_desk, db, settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    return kept_desk.take(settings, tmp_path)


@pytest.fixture
def memory(monkeypatch):
    """Everything leaves into this provider."""
    provider = MemoryProvider()
    monkeypatch.setattr(sender, "way_out_for", lambda *_: provider)
    return provider
