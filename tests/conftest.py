"""Every test run has its own home and its own embedded PostgreSQL, kept between runs."""

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

os.environ.setdefault("TANDEM_HOME", str(Path(__file__).resolve().parent.parent / "var" / "test"))
os.environ["TANDEM_TEST_BUILD"] = "1"


def pytest_configure() -> None:
    """Passwords are hashed by the same function with less memory: 49 sign-ins cost as much as all else."""
    from django.contrib.auth.hashers import Argon2PasswordHasher
    from django.test import TransactionTestCase

    from tests.fixtures import emptied

    Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = (
        1,
        64,
        1,
    )
    TransactionTestCase._fixture_teardown = emptied.empty
    _find_static_files_once()
    hypothesis.settings.register_profile("tests", deadline=None)  # machines are shared
    hypothesis.settings.load_profile("tests")


def _find_static_files_once() -> None:
    """Each test's Client makes its own middleware, which looked for a hundred static files each time."""
    from whitenoise.middleware import WhiteNoiseMiddleware

    look, found = WhiteNoiseMiddleware.add_files_from_finders, {}

    def add_files_from_finders(middleware: Any) -> None:
        if not found:
            look(middleware)
            found.update(middleware.files)
        middleware.files.update(found)

    WhiteNoiseMiddleware.add_files_from_finders = add_files_from_finders


def pytest_collection_finish() -> None:
    """What was imported stays: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_sessionfinish() -> None:
    """What ends with the process is collected as usual."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, django_test_environment: None, django_db_blocker: Any
) -> None:
    """Databases are copies of one that was migrated; see tests/fixtures/templates.py."""
    from tests.fixtures import templates

    with django_db_blocker.unblock():
        templates.use()


@pytest.fixture(scope="module")
def keep(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Any]]:
    """Build once what every test of a file begins with; see tests/fixtures/kept.py."""
    from tests.fixtures import kept

    with django_db_blocker.unblock():
        yield lambda build: kept.Kept(build, tmp_path_factory.mktemp("kept"))
        kept.end_all()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What is kept ends before a test that commits for real."""
    from tests.fixtures import kept

    kept.before(item)
