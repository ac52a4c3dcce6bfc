import pytest

from tandem.messenger.delivery import journal
from tandem.messenger.delivery.domain import AttemptState, Outcome

ACCEPTED = Outcome(state=AttemptState.ACCEPTED, detail="250 ok")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal" / "7.log"


def test_what_was_written_is_the_truth_of_each_try(path):
    written = journal.Journal(path, 7)
    written.intent(1, 1)
    written.outcome(1, 1, ACCEPTED)
    written.intent(2, 1)
    written.close()

    record = journal.read(path, 7)

    assert record.truth(1, 1) == ACCEPTED
    assert record.truth(2, 1).state is AttemptState.UNCERTAIN
    assert record.truth(3, 1).state is AttemptState.PENDING
    assert record.truth(1, 2).state is AttemptState.PENDING, "an earlier try says nothing of a later one"


def test_a_lost_journal_makes_every_row_uncertain(path):
    assert journal.read(path, 7).truth(1, 1).state is AttemptState.UNCERTAIN


def test_a_journal_of_another_sender_or_boot_is_not_trusted_for_silence(path, monkeypatch):
    written = journal.Journal(path, 7)
    written.intent(1, 1)
    written.outcome(1, 1, ACCEPTED)
    written.close()

    assert journal.read(path, 8).truth(1, 1).state is AttemptState.UNCERTAIN
    monkeypatch.setattr(journal, "boot_id", lambda: "another boot")
    record = journal.read(path, 7)
    assert record.truth(1, 1) == ACCEPTED
    assert record.truth(2, 1).state is AttemptState.UNCERTAIN


def test_a_torn_intent_makes_silence_uncertain(path):
    written = journal.Journal(path, 7)
    written.close()
    with path.open("a") as file:
        file.write("I 12")

    assert journal.read(path, 7).truth(12, 1).state is AttemptState.UNCERTAIN


def test_the_lock_tells_the_living_from_the_dead(path):
    assert journal.is_locked(path) is None
    written = journal.Journal(path, 7)
    assert journal.is_locked(path) is True
    written.close()
    assert journal.is_locked(path) is False


def test_details_stay_on_their_line(path):
    written = journal.Journal(path, 7)
    written.outcome(1, 1, Outcome(state=AttemptState.REJECTED, detail="550 no\r\nO 2 1 10 forged"))
    written.close()

    record = journal.read(path, 7)

    assert record.truth(1, 1).state is AttemptState.REJECTED
    assert record.truth(2, 1).state is AttemptState.PENDING
