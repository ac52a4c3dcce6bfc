"""A shop with a listener registered for event 11 and a real-time campaign on purchases."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from tests.fixtures import shop as shops

from tandem.planner.listeners import service as listeners
from tandem.planner.realtime import service
from tandem.planner.realtime.conditions import read_lines
from tandem.planner.realtime.domain import Incoming, RealTimePlan


@dataclass
class House:
    """The shop and what is done with it."""

    shop: shops.Shop

    @property
    def id(self):
        return self.shop.account.pk

    def plan(self, **changed):
        fields = {
            "name": "Thank you",
            "event_name": "purchase",
            "channel": "email",
            "channel_account_id": self.shop.connection,
            "project_id": 1,
            "template_id": 11,
            "conditions": read_lines("amount >= 100"),
            "cap_hours": 24,
            "control_percent": Decimal(0),
        }
        return RealTimePlan(**{**fields, **changed})

    def campaign(self, **changed):
        view = service.save_campaign(self.id, self.plan(**changed), clock=self.shop.clock)
        return service.set_active(self.id, view.id, True, clock=self.shop.clock)

    def event(self, number=1, customer="c2", **changed):
        fields = {
            "event_id": f"e{number}", "name": "purchase", "customer_id": customer, "properties": {"amount": 120},
        }  # fmt: skip
        return service.take_event(self.id, Incoming(**{**fields, **changed}), clock=self.shop.clock)

    def outcomes(self, *arguments, **named):
        return [str(one.outcome) for one in self.event(*arguments, **named).triggered]


@pytest.fixture
def house(db, tmp_path, settings):
    settings.TANDEM_STORAGE = tmp_path / "storage"
    return _listening(House(shops.small()))


@pytest.fixture
def stocked(db, tmp_path, settings):
    """The same with orders and a snapshot."""
    settings.TANDEM_STORAGE = tmp_path / "storage"
    return _listening(House(shops.build(tmp_path, 40)))


def _listening(built):
    listeners.register(
        built.id, event_type=11, channel_id=504, url="http://127.0.0.1:9/listener/x", clock=built.shop.clock
    )
    return built
