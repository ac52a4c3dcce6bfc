"""Every test run has its own home and its own embedded PostgreSQL, kept between runs."""

import os
from pathlib import Path

os.environ.setdefault("TANDEM_HOME", str(Path(__file__).resolve().parent.parent / "var" / "test"))
os.environ["TANDEM_TEST_BUILD"] = "1"


def pytest_configure() -> None:
    """Passwords are hashed by the same function with less memory: 49 sign-ins cost as much as all else."""
    from django.contrib.auth.hashers import Argon2PasswordHasher

    Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = (
        1,
        64,
        1,
    )
