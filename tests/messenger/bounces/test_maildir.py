"""A Maildir that another mail server fills."""

import pytest
from tests.fixtures.returned import dsn, verp
from tests.fixtures.sendings import CLOCK

from tandem.messenger.bounces import maildir, service
from tandem.messenger.bounces.models import Bounce, InboundMail

pytestmark = pytest.mark.django_db


@pytest.fixture
def box(tmp_path):
    for name in ("new", "cur", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    return tmp_path / "box"


def names(box, folder):
    return sorted(path.name for path in (box / folder).glob("*"))


def test_mails_are_taken_once_and_moved(post, box):
    head = f"Return-Path: <>\r\nDelivered-To: {verp(post.key, post.attempt())}\r\n".encode()
    (box / "new" / "1.x").write_bytes(head + dsn())
    assert maildir.take_all(box, clock=CLOCK) == 1
    assert (names(box, "new"), names(box, "processed")) == ([], ["1.x"])
    service.work_due(clock=CLOCK)
    assert Bounce.objects.get().kind == "hard"
    (box / "processed" / "1.x").rename(box / "new" / "1.x")  # as if it had died before the move
    maildir.take_all(box, clock=CLOCK)
    assert service.work_due(clock=CLOCK) == 0
    assert names(box, "processed") == ["1.x"]


def test_what_is_not_ours_is_left_to_people(post, box):
    (box / "new" / "1").write_bytes(b"To: someone@elsewhere.example\r\n\r\nx")
    (box / "new" / "2").write_bytes(b"\0" * 100)
    (box / "new" / "3").symlink_to("/etc/passwd")
    assert maildir.take_all(box, clock=CLOCK) == 0
    assert names(box, "refused") == ["1", "2", "3"]
    assert not InboundMail.objects.exists()


def test_no_box_is_no_mail(tmp_path):
    assert maildir.take_all(tmp_path / "none", clock=CLOCK) == 0
