"""Schemathesis over the OpenAPI document against a running server: no 5xx, nothing the document does not say.

TANDEM_MORE_EXAMPLES multiplies how many examples of each operation are tried, valid ones and broken ones each.
"""

import contextlib
import time
from pathlib import Path

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.fixtures import shop as shops
from tests.fixtures.examples import examples

from tandem.kit import clock as clocks
from tandem.planner.accounts import service as accounts
from tandem.planner.api_v1.document import document

EXAMPLES = examples(3)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BOUND_SECONDS = 30
OPERATIONS = len((Path(__file__).parent / "operations.txt").read_text().splitlines())


@pytest.fixture
def shop(transactional_db, tmp_path, settings, monkeypatch):
    settings.TANDEM_STORAGE = tmp_path / "storage"
    settings.TANDEM_KEY_LIMIT = "1000/1"
    built = shops.build(tmp_path, 10)
    monkeypatch.setattr(clocks, "from_environment", lambda: built.clock)
    return built


def test_answers_are_as_the_document_says_and_never_a_server_error(shop, live_server):
    key = accounts.create_api_credential(shop.account.pk, clock=shop.clock).api_key
    schema = schemathesis.openapi.from_dict(document())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == OPERATIONS
    began, tried = time.monotonic(), 0
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for operation in operations:
            if time.monotonic() - began < BOUND_SECONDS:
                tried += _try(operation, mode, live_server.url, key)
    assert tried >= len(operations)


def _try(operation, mode, url, key):
    count = 0

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def ask(case):
        nonlocal count
        count += 1
        case.call_and_validate(base_url=url, headers={"X-API-KEY": key}, checks=CHECKS, timeout=20)

    with contextlib.suppress(Unsatisfiable):  # an operation without parameters has no broken form
        ask()
    return count


def test_the_document_is_the_one_that_was_reviewed(db):
    """Operations, their addresses and their answers; a change here is a change for every program."""
    made = Client().get("/api/v1/openapi.json").json()
    said = [
        f"{method.upper()} {path} {operation['operationId']} {' '.join(sorted(operation['responses']))}"
        for path, operations in sorted(made["paths"].items())
        for method, operation in sorted(operations.items())
    ]
    assert said == (Path(__file__).parent / "operations.txt").read_text().splitlines()
