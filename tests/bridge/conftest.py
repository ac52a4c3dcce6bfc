"""Both sides for every test of the bridge."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures import joined


@pytest.fixture
def house(tmp_path: Path) -> Iterator[joined.House]:
    with joined.running(tmp_path) as found:
        yield found
