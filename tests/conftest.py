"""Every test run has its own home and its own embedded PostgreSQL, kept between runs."""

import os
from pathlib import Path

os.environ.setdefault("TANDEM_HOME", str(Path(__file__).resolve().parent.parent / "var" / "test"))
os.environ["TANDEM_TEST_BUILD"] = "1"
