"""Every example of the reference page is read as it stands there."""

import json
import re
from pathlib import Path

import pytest
from tests.planner.targeting.generated import CATALOGUE

from tandem.planner.engine.domain import Attribute, Kind
from tandem.planner.targeting.domain import document
from tandem.planner.targeting.reading import read, read_text
from tandem.planner.targeting.wording import to_text

PAGE = (Path(__file__).parents[3] / "docs/reference/conditions.md").read_text()
ATTRIBUTES = (*CATALOGUE, Attribute(name="stage", label="Stage", kind=Kind.TEXT, set="Model"))
EXAMPLES = re.findall(r"^\| `([^`]+)` \| (?!operators)[^`|]+ \|$", PAGE, re.MULTILINE)


def test_the_page_has_examples():
    assert len(EXAMPLES) == 5


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_written_as_it_is_read_back(text):
    assert to_text(read_text(text, ATTRIBUTES)) == text


def test_the_stored_example_is_in_normal_form():
    stored = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
    assert document(read(stored, ATTRIBUTES)) == stored
