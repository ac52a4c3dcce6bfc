import os
import signal

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


def test_a_release_that_is_the_last_word_before_a_power_loss_proves_nothing(path, monkeypatch):
    """It was synced; the next intent of the same try, and its content, may have followed unsynced."""
    written = journal.Journal(path, 7)
    written.intent(1, 1)
    written.outcome(1, 1, Outcome(state=AttemptState.PENDING))
    written.close()

    assert journal.read(path, 7).truth(1, 1).state is AttemptState.PENDING
    monkeypatch.setattr(journal, "boot_id", lambda: "another boot")
    assert journal.read(path, 7).truth(1, 1).state is AttemptState.UNCERTAIN


def test_a_line_without_room_is_not_begun_and_nothing_follows_it(path, monkeypatch):
    """Half of it would end up in another line: the intent of another message would be lost."""
    monkeypatch.setattr(journal, "TURN_OVER_BYTES", 120)
    monkeypatch.setattr(journal, "SPARE_BYTES", 0)
    written = journal.Journal(path, 7)
    written.intent(4, 1)
    with pytest.raises(OSError, match="in full"):
        written.outcome(4, 1, Outcome(state=AttemptState.REJECTED, detail="no " * 60))
    with pytest.raises(OSError, match="in full"):
        written.intent(6, 1)
    assert journal.read(path, 7).truth(4, 1).state is AttemptState.UNCERTAIN
    assert journal.read(path, 7).truth(6, 1).state is AttemptState.PENDING
    written.close()


def test_what_was_said_is_read_though_its_owner_was_killed(path):
    """The room that it had not used yet says nothing."""
    child = os.fork()
    if child == 0:
        written = journal.Journal(path, 7)
        written.intent(1, 1)
        written.outcome(1, 1, ACCEPTED)
        written.intent(2, 1)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert path.read_bytes().endswith(b"\0")

    record = journal.read(path, 7)
    assert [record.truth(row, 1) for row in (1, 3)] == [ACCEPTED, Outcome(state=AttemptState.PENDING)]
    assert record.truth(2, 1).state is AttemptState.UNCERTAIN
    assert journal.is_locked(path) is False


def test_a_disk_without_room_is_heard_of_before_anything_leaves(path, monkeypatch):
    monkeypatch.setattr(journal.os, "posix_fallocate", lambda *_: _no_space(None))
    with pytest.raises(OSError, match="No space"):
        journal.Journal(path, 7)


@pytest.mark.parametrize("line", ["O 5 1 1O 56 1 0 \n", "I x 1\n", "O 5 1 99 no state\n", "\x00\x00\n"])
def test_what_cannot_be_read_makes_silence_uncertain(path, line):
    written = journal.Journal(path, 7)
    written.outcome(1, 1, ACCEPTED)
    written.close()
    with path.open("a") as file:
        file.write(line)

    record = journal.read(path, 7)
    assert record.truth(1, 1) == ACCEPTED
    assert record.truth(5, 1).state is AttemptState.UNCERTAIN


@pytest.mark.parametrize("detail", ["a\x00b", "a\ud800b", "a\nb\x1b"])
def test_any_answer_can_be_kept(path, detail):
    written = journal.Journal(path, 7)
    written.outcome(1, 1, Outcome(state=AttemptState.REJECTED, detail=detail))
    written.close()

    kept = journal.read(path, 7).truth(1, 1)
    assert kept.state is AttemptState.REJECTED
    assert kept.detail.isprintable()


def test_a_turn_over_that_fails_leaves_the_old_file_and_its_lock(path, monkeypatch):
    written = journal.Journal(path, 7)
    monkeypatch.setattr(journal, "TURN_OVER_BYTES", 1)
    written.intent(1, 1)
    with monkeypatch.context() as full:
        full.setattr(journal.os, "fdatasync", _no_space)
        with pytest.raises(OSError, match="No space"):
            written.settled([])
    written.intent(2, 1)
    assert journal.is_locked(path) is True
    written.close()

    assert journal.is_locked(path) is False
    assert journal.read(path, 7).truth(2, 1).state is AttemptState.UNCERTAIN


def test_a_closed_journal_writes_nowhere(path, tmp_path):
    """Its file's number is soon another file's."""
    written = journal.Journal(path, 7)
    written.close()
    with (tmp_path / "other").open("w") as other, pytest.raises(OSError):
        written.intent(1, 1)
    assert (tmp_path / "other").read_bytes() == b""
    assert other.closed


def test_a_number_that_comes_again_begins_with_an_empty_journal(path):
    """After a backup was put back, both senders' and rows' numbers do."""
    before = journal.Journal(path, 7)
    before.outcome(1, 1, ACCEPTED)
    before.close()
    journal.Journal(path, 7).close()
    assert journal.read(path, 7).truth(1, 1).state is AttemptState.PENDING


def _no_space(_):
    raise OSError("No space left on device")
