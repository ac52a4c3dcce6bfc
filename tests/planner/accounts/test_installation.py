"""What was copied or put back is known for it, and what has always been there is not."""

import shutil

import pytest
from django.db import connection

from tandem.kit import installation

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(tmp_path):
    (tmp_path / "home").mkdir()

    def ask(do=installation.belongs, home="home"):
        with connection.cursor() as cursor:
            return do(cursor, tmp_path / home)

    assert ask()
    return ask


def test_the_home_that_was_there_first_goes_on(asked, tmp_path):
    assert asked() and (tmp_path / "home" / "instance").stat().st_mode & 0o077 == 0
    (tmp_path / "home" / "instance").chmod(0o400)  # another time of change, the same inode
    (tmp_path / "home").rename(tmp_path / "elsewhere")
    assert asked(home="elsewhere")


def test_a_copied_home_is_held_until_it_is_released(asked, tmp_path):
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    assert not asked(home="copy") and asked()
    asked(installation.release, "copy")
    assert asked(home="copy") and not asked()


def test_a_home_that_nobody_knows_is_held_and_works_beside_the_first_once_released(asked, tmp_path):
    (tmp_path / "second").mkdir()
    assert not asked(home="second")
    asked(installation.release, "second")
    assert asked(home="second") and asked()


@pytest.mark.parametrize(
    ("change", "is_ours"),
    [
        ("system_identifier = system_identifier + 1", False),
        ("machine = 'another'", False),
        ("machine = ''", True),
        ("changed = 0", True),
        ("inode = 0", True),
        ("inode = 0, changed = 0", False),
    ],
)
def test_another_server_machine_or_place(asked, monkeypatch, tmp_path, change, is_ours):
    machine = tmp_path / "machine-id"
    machine.write_text("this one\n")
    monkeypatch.setattr(installation, "_MACHINE", machine)
    asked(installation.release)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE tandem_installation SET {change}")
    assert asked() is is_ours


def test_what_was_put_back_is_held_for_the_home_it_came_from_too(asked):
    asked(lambda cursor, _: installation.hold(cursor))
    assert not asked()
    asked(installation.release)
    assert asked()
