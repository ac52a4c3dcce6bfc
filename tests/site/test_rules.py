"""The repository's own rules hold, and can fail."""

import ast
from pathlib import Path

from tools import checks


def test_settings_are_documented():
    assert not list(checks.settings())


def test_inline_style_is_found():
    assert checks.INLINE.search('<p style="color:red">')
    assert checks.INLINE.search("<script>alert(1)</script>")
    assert checks.INLINE.search('<a onclick="x()">')
    assert not checks.INLINE.search('<script src="/static/a.js" defer></script>')


def test_a_query_without_account_is_found():
    text = "Contact.objects.filter(id=1)\n"
    found = list(checks._calls(checks.SOURCE / "x.py", ast.parse(text), text.splitlines()))
    assert len(found) == 1
    text = "Contact.objects.filter(account_id=1, id=1)\n"
    assert not list(checks._calls(checks.SOURCE / "x.py", ast.parse(text), text.splitlines()))


def test_the_clock_is_not_asked_directly():
    text = "datetime.now(UTC)\n"
    assert list(checks._calls(Path(checks.SOURCE / "x.py"), ast.parse(text), text.splitlines()))


def test_every_test_file_is_in_a_group():
    from tests.run import GROUPS, ROOT

    folders = [ROOT / folder for group in GROUPS.values() for folder in group.folders]
    files = sorted((ROOT / "tests").glob("**/test_*.py"))
    assert [file for file in files if not any(file.is_relative_to(folder) for folder in folders)] == []
