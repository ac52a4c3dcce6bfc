"""The shop of every test here."""

import pytest
from tests.fixtures import shop as shops


@pytest.fixture
def shop(db, tmp_path, settings):
    settings.TANDEM_STORAGE = tmp_path / "storage"
    return shops.build(tmp_path)
