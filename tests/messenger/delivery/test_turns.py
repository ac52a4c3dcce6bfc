"""Sendings take turns; a way out that is alone on its thread drives the same feed as one on a loop."""

import asyncio
from types import SimpleNamespace

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from tests.fixtures.sendings import (
    CLOCK,
    create_contacts,
    create_sending,
    send_until,
    turn_once,
)

from tandem.messenger.delivery import claims
from tandem.messenger.delivery import service as delivery
from tandem.messenger.delivery.domain import AttemptState, Outcome, SendingState
from tandem.messenger.delivery.errors import OutboundStopped
from tandem.messenger.delivery.models import Sending
from tandem.messenger.delivery.providers.memory import MemoryProvider
from tandem.messenger.delivery.sender import feed as feeds
from tandem.messenger.delivery.sender import life as sender

pytestmark = pytest.mark.django_db


class Gateway:
    """Carries messages side by side; counts how many."""

    in_flight = 5

    def __init__(self):
        self.taken, self.beside, self.most, self.down = [], 0, 0, 0

    async def hand_over(self, message, leave):
        self.beside += 1
        self.most = max(self.most, self.beside)
        await asyncio.sleep(0)
        self.beside -= 1
        if self.down:
            self.down -= 1
            raise OutboundStopped("It does not answer.")
        if not leave():
            return None
        self.taken.append(message.recipient)
        return Outcome(state=AttemptState.ACCEPTED, detail="250 ok")

    async def close(self):
        pass


@pytest.fixture
def gateway(monkeypatch):
    made = Gateway()
    ways = iter([made, MemoryProvider(), made, MemoryProvider()])
    monkeypatch.setattr(sender, "way_out_for", lambda *_: next(ways))
    return made


def test_a_small_sending_does_not_wait_for_a_large_one(house, monkeypatch, settings):
    memory = MemoryProvider()
    memory.rows_in_hand = 4
    monkeypatch.setattr(sender, "way_out_for", lambda *_: memory)
    settings.TANDEM_SENDING = {**settings.TANDEM_SENDING, "TANDEM_SENDER_TURN": "0"}
    large = create_sending(house, create_contacts(house, 80), campaign_id=1)
    small = []
    send = memory.send

    def send_and_add(message, leave):
        if len(memory.messages) == 10 and not small:
            small.append(create_sending(house, [f"c{n}" for n in range(1, 6)], campaign_id=2))
        return send(message, leave)

    monkeypatch.setattr(memory, "send", send_and_add)
    assert send_until(house, large).counts == {"accepted": 80}

    places = [place for place, one in enumerate(memory.messages) if one.sending_id == small[0]]
    assert len(places) == 5
    assert max(places) < 70, "it left while the large one was under way"


def test_calls_run_side_by_side_and_no_more_than_allowed(house, gateway):
    sending = create_sending(house, create_contacts(house, 23))
    assert send_until(house, sending).counts == {"accepted": 23}
    assert len(set(gateway.taken)) == len(gateway.taken) == 23
    assert gateway.most == 4, "one stays for other accounts"


def test_a_gateway_that_is_down_frees_every_row_for_later(house, gateway, monkeypatch):
    monkeypatch.setattr(feeds, "RELAY_DOWN_SECONDS", (0.05,))
    gateway.down = 3
    sending = create_sending(house, create_contacts(house, 8))
    assert send_until(house, sending).counts == {"accepted": 8}
    assert len(set(gateway.taken)) == len(gateway.taken) == 8


def test_a_block_counts_its_turns_among_the_others(house):
    for campaign in (1, 2):
        create_sending(house, create_contacts(house, 1) if campaign == 1 else ["c1"], campaign_id=campaign)
    life = sender.Life(CLOCK, None)
    order = []
    for _ in range(4):
        held = claims.claim(life.id, CLOCK.business())
        order.append(held.sending)
        claims.give_back(held)
    life.close()
    assert order[:2] == order[2:]
    assert len(set(order)) == 2


def test_an_error_of_the_database_is_djangos(house):
    create_sending(house, create_contacts(house, 1))
    life = sender.Life(CLOCK, None)
    held = claims.claim(life.id, CLOCK.business())
    life.close()
    beyond = claims.Claim(**{**held.__dict__, "block": 2**70})
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        claims.standings([beyond], lock=False)
    assert isinstance(caught.value.__cause__, psycopg.Error)


def test_nothing_begins_on_a_full_disk_and_what_runs_goes_on(house, monkeypatch):
    free = [sender.LEAST_FREE - 1]
    monkeypatch.setattr(sender.shutil, "disk_usage", lambda _: SimpleNamespace(free=free[0]))
    waiting = create_sending(house, create_contacts(house, 3))
    turn_once()
    assert delivery.get_sending(house.account_id, waiting).state is SendingState.SCHEDULED
    Sending.objects.filter(id=waiting).update(state="sending")
    turn_once()
    assert delivery.get_sending(house.account_id, waiting).counts == {"accepted": 3}


def test_a_claim_reads_the_blocks_in_their_order_not_all_that_wait():
    """Twenty thousand real-time messages may wait: the index has the very order of the statement."""
    named = {"sender": 1, "now": CLOCK.business(), "channels": ["email"], "states": ["sending"]}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {claims._CLAIM}", named)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "block_in_turn" in plan
    assert "Sort" not in plan
