import hashlib
import re
import tomllib
from pathlib import Path

import pytest

import tandem.kit

ROOT = Path(__file__).resolve().parent.parent.parent
VENDOR = Path(tandem.kit.__file__).parent / "static" / "vendor"
TESTS_ONLY = ROOT / "tests" / "assets"
PACKAGES = tomllib.loads((ROOT / "vendor.toml").read_text())["package"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p["name"])
def test_vendored_files_are_those_of_the_recorded_hash(package):
    home = (TESTS_ONLY if package.get("tests_only") else VENDOR) / package["folder"]
    total = hashlib.sha256()
    for name in (Path(file).name for file in package["files"]):
        total.update(name.encode() + b"\0" + (home / name).read_bytes() + b"\0")
    assert total.hexdigest() == package["sha256"]
    shipped = {"MIT", "0BSD", "OFL-1.1"}
    assert package["licence"] in (shipped | {"MPL-2.0"} if package.get("tests_only") else shipped)


def test_nothing_else_lies_in_the_vendor_folder():
    shipped = [package for package in PACKAGES if not package.get("tests_only")]
    named = {f"{p['folder']}/{Path(file).name}" for p in shipped for file in p["files"]}
    assert {str(f.relative_to(VENDOR)) for f in VENDOR.rglob("*") if f.is_file()} == named


def test_every_icon_a_template_names_is_there():
    names = set()
    for template in (ROOT / "src").rglob("templates/**/*.html"):
        if "demo" in template.parts:
            continue  # an email's styles are its own; they are inlined when it is activated
        names |= set(re.findall(r"""{% icon ["']([a-z0-9-]+)["']""", template.read_text()))
    missing = {name for name in names if not (VENDOR / "tabler-icons" / f"{name}.svg").exists()}
    assert names
    assert not missing


def test_no_template_has_inline_styles_or_scripts():
    for template in (ROOT / "src").rglob("templates/**/*.html"):
        if "demo" in template.parts:
            continue  # an email's styles are its own; they are inlined when it is activated
        if template.name in {"frame.html", "_frame.html"}:
            continue  # whole documents with a policy of their own: a preview in a sandbox, pages behind links
        text = template.read_text()
        assert not re.search(r"""\sstyle=|<style|\son[a-z]+=["']|<script(?! src=)""", text), template
