"""Prints a half's reference page: `python -m tools.reference planner|messenger`. One process is one half."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"planner": "optimove-api.md", "messenger": "symplify-api.md"}


def page(half: str) -> Path:
    """Where a half's API is documented."""
    return ROOT / "docs" / "reference" / PAGES[half]


def text(half: str) -> str:
    """The page as it should be, made in a process of that half."""
    made = subprocess.run(
        [sys.executable, "-m", "tools.reference", half], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return made.stdout


def main() -> None:
    """Print one page."""
    half = sys.argv[1]
    os.environ["DJANGO_SETTINGS_MODULE"] = f"tandem.site.settings.{half}"
    import django

    django.setup()
    sys.stdout.write(importlib.import_module(f"tools.reference_{half}").text())


if __name__ == "__main__":
    main()
