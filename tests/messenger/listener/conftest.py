"""The house of the listener's tests, before it is connected to a planner."""

import pytest
from tests.fixtures.sendings import create_house


@pytest.fixture(scope="module")
def kept_house(keep):
    return keep(lambda _: create_house())


@pytest.fixture
def unconnected(kept_house, db, settings, tmp_path):
    return kept_house.take(settings, tmp_path)
