"""Take the files named in vendor.toml out of their npm packages into kit/static/vendor (or tests/assets). By hand.

Needs `npm` (only `npm pack`, nothing is installed). Run with --check to compare hashes without the network.
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "vendor.toml"
TARGET = ROOT / "src" / "tandem" / "kit" / "static" / "vendor"
TEST_TARGET = ROOT / "tests" / "assets"


def packages() -> list[dict]:
    """The packages of vendor.toml."""
    return tomllib.loads(MANIFEST.read_text())["package"]


def folder_of(package: dict) -> Path:
    """Where its files lie: with the pages, or beside the tests if only they use it."""
    return (TEST_TARGET if package.get("tests_only") else TARGET) / package["folder"]


def digest(package: dict) -> str:
    """One sha256 over all files of the package, by name and content in the order of vendor.toml."""
    total = hashlib.sha256()
    for name in _targets(package):
        total.update(name.encode() + b"\0" + (folder_of(package) / name).read_bytes() + b"\0")
    return total.hexdigest()


def _targets(package: dict) -> list[str]:
    return [Path(name).name for name in package["files"]]


def fetch(package: dict) -> None:
    """Unpack the named files of one package; the source-map line is cut off, the map is not shipped."""
    folder = folder_of(package)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        command = [
            "npm",
            "pack",
            "--silent",
            f"{package['name']}@{package['version']}",
            "--pack-destination",
            temporary,
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(temporary).glob("*.tgz"))) as archive:
            for name in package["files"]:
                member = archive.extractfile(f"package/{name}")
                if member is None:
                    raise SystemExit(f"{package['name']} has no file {name}.")
                (folder / Path(name).name).write_bytes(_without_map(member.read()))


def _without_map(content: bytes) -> bytes:
    lines = [line for line in content.splitlines(keepends=True) if b"sourceMappingURL=" not in line[:40]]
    return b"".join(lines)


def differing() -> list[str]:
    """The packages whose files are not those of the recorded hash."""
    return [package["name"] for package in packages() if digest(package) != package["sha256"]]


def main() -> None:
    """Fetch, then print the hash to record where it differs."""
    if "--check" not in sys.argv:
        for package in packages():
            fetch(package)
    for package in packages():
        if digest(package) != package["sha256"]:
            print(f'{package["name"]}: sha256 = "{digest(package)}"')
    raise SystemExit(1 if differing() else 0)


if __name__ == "__main__":
    main()
