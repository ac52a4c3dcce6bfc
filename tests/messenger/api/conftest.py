"""A house whose triggers programs send, built once per file."""

import pytest
from tests.fixtures.messages import create_desk


@pytest.fixture(scope="module")
def kept_desk(keep):
    return keep(lambda _: create_desk())


@pytest.fixture
def desk(kept_desk, db, settings, tmp_path):
    settings.TANDEM_HOME = tmp_path
    return kept_desk.take(settings, tmp_path)
