"""The planner's table of functions against the contract's: names, methods, parameters, rights, shapes of examples."""

import orjson
import pytest

from tandem.contract.planner_functions import BY_PATH, FUNCTIONS
from tandem.contract.shapes import differences
from tandem.planner.api import table

BUILT = [one for one in table.FUNCTIONS if one.answer]


def ours(function):
    return BY_PATH.get(f"{function.group}/{function.name}".lower())


def name_of(function):
    return f"{function.group}/{function.name}"


@pytest.mark.parametrize("function", [one for one in BUILT if ours(one)], ids=name_of)
class TestAsDeclared:
    def test_method_and_rights(self, function):
        known = ours(function)
        assert known.method in function.methods
        assert known.third_party == function.third_party

    def test_required_parameters(self, function):
        required = {param.name for param in function.params if param.required}
        assert required <= set(ours(function).required)
        known = {name.lower() for param in function.params for name in (param.name, *param.spellings)}
        assert {name.rstrip("?").lower() for name in ours(function).asks} <= known

    def test_its_example_has_the_shape(self, function):
        if function.example:
            assert differences(ours(function).answer, orjson.loads(function.example)) == []

    def test_attributes(self, function):
        assert function.attributes or not ours(function).attributes


def test_every_function_of_the_contract_is_in_the_table():
    known = {name.lower() for one in table.FUNCTIONS for name in _paths(one)}
    assert {one.path.lower() for one in FUNCTIONS} <= known


def _paths(function):
    return [f"{function.group}/{name}" for name in (function.name, *function.spellings)]
