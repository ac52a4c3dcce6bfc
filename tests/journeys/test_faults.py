"""The small matrix of faults: each kind once, on one home; `make faults` runs the large one."""

import random

import pytest
from faults import evidence, kills, leaks, others, relay_faults
from faults.world import opened

pytestmark = pytest.mark.slow
SEED = 1


@pytest.fixture(scope="module")
def world():
    with opened(1200) as made:
        yield made


@pytest.fixture(autouse=True)
def _running(world):
    if not world.stack.services:
        world.start()


def test_a_death_at_the_event_is_made_good(world):
    _, report, _ = kills.at_step(world, "m2", recipients=40)
    assert report.violations == ()


def test_a_campaign_that_is_cut_off_at_each_step_in_turn(world):
    """What is in doubt after it is settled by the relay's reports, or by somebody who looked."""
    run, report = kills.one_after_another(world, kills.STEPS[3:], recipients=80)
    assert report.violations == ()
    assert evidence.settle(world, run) == report.uncertain


def test_random_processes_die(world):
    made = list(kills.random_kills(world, kills=3, recipients=600, seed=SEED, per_run=3))
    assert [report.violations for _, report in made] == [()] * len(made)
    assert sum(len(run.kills) for run, _ in made) >= 3


def test_the_database_crashes_and_ends_its_sessions(world):
    _, report = others.database_stops(world, recipients=200, times=2, chance=random.Random(SEED))
    assert report.violations == ()


def test_a_relay_that_answers_each_recipient_otherwise(world):
    _, report = relay_faults.one_recipient(world, 40)
    world.relay.rules()
    assert report.violations == ()


def test_a_sender_taken_for_dead_wakes_and_the_fence_refuses_it(world):
    _, report, given_up = others.zombies(
        world, recipients=200, senders=2, chance=random.Random(SEED), out_of_sight=False, unlike=True
    )
    assert report.violations == ()
    assert given_up and report.rejected > 0


def test_a_connection_to_the_relay_is_cut_at_a_piece(world):
    made = list(others.nth_piece_to_relay(world, iter((3, 6)), recipients=30))
    world.stop()
    assert [(len(run.kills), report.violations) for run, report in made] == [(1, ()), (1, ())]


def test_no_address_and_no_password_was_written(world):
    assert leaks.size(world) > 0
    assert leaks.found(world) == []
