"""Secrets at rest."""

import os
import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.kit.secrets import SecretUnreadable, Vault, make_key

KEY = bytes(range(32))


@given(st.text(), st.text())
def test_a_secret_comes_back_only_at_its_place(secret, where):
    vault = Vault(KEY)
    record = vault.seal(secret, where)
    assert vault.open(record, where) == secret
    with pytest.raises(SecretUnreadable):
        vault.open(record, where + "x")


def test_another_key_opens_nothing():
    record = Vault(KEY).seal("s3cret", "1:password")
    assert "s3cret" not in record
    with pytest.raises(SecretUnreadable):
        Vault(bytes(32)).open(record, "1:password")


@pytest.mark.parametrize("record", ["", "v1:x", "v1:0:!!", "v2:00000000:AAAA", "::"])
def test_a_broken_record_is_an_error_in_words(record):
    with pytest.raises(SecretUnreadable):
        Vault(KEY).open(record, "")


def test_the_key_file_is_private_and_made_once(tmp_path):
    file = tmp_path / "deep" / "key"
    make_key(file)
    first = file.read_bytes()
    make_key(file)
    assert file.read_bytes() == first
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert Vault.from_file(file).open(Vault.from_file(file).seal("x", "y"), "y") == "x"


def test_processes_that_begin_at_once_get_one_whole_key(tmp_path):
    file = tmp_path / "key"
    code = (
        f"from pathlib import Path; from tandem.kit.secrets import *; p = Path({str(file)!r}); make_key(p); "
    )
    code += "print(Vault.from_file(p).key_id)"
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]
    said = {process.communicate()[0] for process in running}
    assert len(said) == 1
    assert said != {""}
    assert [one.name for one in tmp_path.iterdir()] == ["key"]
