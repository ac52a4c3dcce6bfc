"""The shop of every test here."""

import pytest
from tests.fixtures import shop as shops


@pytest.fixture(scope="module")
def kept_shop(keep):
    return keep(shops.build)


@pytest.fixture
def shop(kept_shop, db, settings, tmp_path):
    return kept_shop.take(settings, tmp_path)
