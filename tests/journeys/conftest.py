"""One demonstration's home, made once per test process; journeys move its clock and run its services."""

import json
import os
import re
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.fixtures.processes import Stack, wait_for

CUSTOMERS = "1500"


class Home(Stack):
    """A Stack whose business clock is set in its tandem.env, as the demonstration does."""

    def business_now(self) -> datetime:
        """Business time of this home, aware UTC."""
        offset = float(re.search(r"TANDEM_CLOCK_OFFSET=(\S+)", (self.home / "tandem.env").read_text())[1])
        return datetime.now(UTC) + timedelta(seconds=offset)

    def set_clock(self, now: datetime) -> None:
        """Move business time on to `now`; services read it when they start."""
        offset = (now - datetime.now(UTC)).total_seconds()
        file = self.home / "tandem.env"
        kept = [line for line in file.read_text().splitlines() if "CLOCK_OFFSET" not in line]
        file.write_text("\n".join([*kept, f"TANDEM_CLOCK_OFFSET={offset}", ""]))

    def up(self) -> None:
        """Run everything and wait for the pages."""
        self.start("up")
        for service, path in (
            ("planner", "/ui/sign-in"),
            ("messenger", "/ui/sign-in"),
            ("tracking", "/health"),
        ):
            wait_for(self.url(service) + path)

    def facts(self) -> dict[str, object]:
        """demo.json of the home."""
        return json.loads((self.home / "demo.json").read_text())


@pytest.fixture(scope="session")
def demo():
    """The finished demonstration: (home, the document it printed)."""
    home = Home(Path(tempfile.mkdtemp(prefix="tandem-journey-")), migrated=True)
    try:
        home.environment.pop("TANDEM_ALLOW_PRIVATE")
        document = home.run("demo", "run", "--no-serve", "--json", "--customers", CUSTOMERS)
        for line in (home.home / "tandem.env").read_text().splitlines():
            name, _, text = line.partition("=")
            if name.endswith("_PORT"):
                home.environment[name] = text
        yield home, document
    finally:
        home.close()


@pytest.fixture(autouse=True)
def _no_django():
    """Journeys speak through doors; they never touch Django's database of the test process."""
    os.environ.pop("TANDEM_CLOCK_OFFSET", None)
