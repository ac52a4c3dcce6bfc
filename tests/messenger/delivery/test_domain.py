import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from tandem.messenger.delivery import tokens
from tandem.messenger.delivery.domain import AttemptState, next_try, receipt, sub_block_size
from tandem.messenger.delivery.errors import BadToken
from tandem.messenger.reporting.domain import Metric, metrics, summarise

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def test_back_off_grows_and_then_stays():
    waits = [next_try(tries, NOW) - NOW for tries in range(1, 10)]
    assert waits == sorted(waits)
    assert waits[0] == timedelta(minutes=1)
    assert waits[-1] == timedelta(hours=4)


@pytest.mark.parametrize(("rate", "rows"), [(0.2, 1), (7.9, 7), (100, 100), (5000, 160)])
def test_a_sub_block_is_what_leaves_in_a_second_and_at_most_160(rate, rows):
    assert sub_block_size(rate) == rows


def test_a_token_comes_back_for_its_purpose_and_key_only():
    token = tokens.make("key", tokens.UNSUBSCRIBE, 7, 123456789012)
    assert len(token) == 32
    assert tokens.read("key", tokens.UNSUBSCRIBE, token) == (7, 123456789012)
    for key, purpose, shown in (
        ("other", tokens.UNSUBSCRIBE, token),
        ("key", tokens.MESSAGE_ID, token),
        ("key", tokens.UNSUBSCRIBE, token[:-1] + ("A" if token[-1] != "A" else "B")),
        ("key", tokens.UNSUBSCRIBE, token[:-4]),
        ("key", tokens.UNSUBSCRIBE, "../etc/passwd"),
        ("key", tokens.UNSUBSCRIBE, "å" * 32),
    ):
        with pytest.raises(BadToken):
            tokens.read(key, purpose, shown)


@pytest.mark.parametrize("key", ["key", "k" * 64, "å" * 40])
def test_a_token_ends_with_an_hmac_of_its_purpose_and_numbers(key):
    raw = base64.urlsafe_b64decode(tokens.make(key, tokens.TRACK, 7, 8))
    body = (7).to_bytes(4, "big") + (8).to_bytes(8, "big")
    whole = hmac.digest(key.encode(), b"tandem token t " + body, hashlib.sha256)
    assert raw == body + whole[:12]


ROWS = [
    {"template": 1, "state": AttemptState.ACCEPTED, "reason": "", "rows": 90},
    {"template": 1, "state": AttemptState.UNCERTAIN, "reason": "", "rows": 1},
    {"template": 1, "state": AttemptState.REJECTED, "reason": "", "rows": 2},
    {"template": 1, "state": AttemptState.SUPPRESSED, "reason": "unsubscribed", "rows": 3},
    {"template": 2, "state": AttemptState.SKIPPED, "reason": "no contact", "rows": 4},
]


def test_the_numbers_of_a_sending_add_up():
    numbers = summarise(100, ROWS, finished=True)
    assert numbers.sent + sum(numbers.skipped.values()) + numbers.failed + numbers.uncertain == numbers.listed
    assert numbers.skipped == {"unsubscribed": 3, "no contact": 4}
    assert (numbers.failed, numbers.uncertain, numbers.open) == (2, 1, 0)


def test_what_is_true_is_reported_zeros_too_and_uncertain_rows_are_not():
    assert metrics(ROWS) == {
        (1, Metric.SENT): 90,
        (1, Metric.DROPPED): 3,
        (1, Metric.BOUNCED): 2,
        (2, Metric.SENT): 0,
        (2, Metric.DROPPED): 4,
        (2, Metric.BOUNCED): 0,
    }


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("250 2.0.0 Ok: queued as 4fQ7cX1vK2z", "250 4fQ7cX1vK2z"),
        ("250 OK id=1rXyzA-000123-Ab", "250 1rXyzA-000123-Ab"),
        ("250 OK ids=b1c2d3e4f5a6", "250 b1c2d3e4f5a6"),
        ("250 2.1.5 ok", "250"),
        ("250", "250"),
        ("in the outbox", "in the outbox"),
    ],
)
def test_of_a_yes_the_relays_own_name_of_the_message_is_kept(said, kept):
    assert receipt(said) == kept
