import hashlib
import re
import tomllib
from pathlib import Path

import pytest

import tandem.kit

ROOT = Path(__file__).resolve().parent.parent.parent
VENDOR = Path(tandem.kit.__file__).parent / "static" / "vendor"
PACKAGES = tomllib.loads((ROOT / "vendor.toml").read_text())["package"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p["name"])
def test_vendored_files_are_those_of_the_recorded_hash(package):
    total = hashlib.sha256()
    for name in (Path(file).name for file in package["files"]):
        total.update(name.encode() + b"\0" + (VENDOR / package["folder"] / name).read_bytes() + b"\0")
    assert total.hexdigest() == package["sha256"]
    assert package["licence"] in {"MIT", "0BSD"}


def test_nothing_else_lies_in_the_vendor_folder():
    named = {f"{p['folder']}/{Path(file).name}" for p in PACKAGES for file in p["files"]}
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
        text = template.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|<script(?! src=)", text), template
