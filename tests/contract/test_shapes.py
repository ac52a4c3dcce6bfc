import pytest

from tandem.contract.planner_api import ExecutionRow
from tandem.contract.planner_functions import BY_PATH, FUNCTIONS
from tandem.contract.reading import ContractBroken
from tandem.contract.shapes import Form, Kind, differences, mask, shape

ROWS = shape("[CustomerID:text TemplateID:id SendID:text? Value:any|null Channels:[Id:id]?]")
GOOD = {"CustomerID": "a", "TemplateID": 3, "Value": None, "Channels": [{"Id": 5}]}


class TestNotation:
    def test_is_read(self):
        assert ROWS.form is Form.ARRAY
        assert [(f.name, f.kind, f.optional, f.nullable) for f in ROWS.fields] == [
            ("CustomerID", Kind.TEXT, False, False),
            ("TemplateID", Kind.ID, False, False),
            ("SendID", Kind.TEXT, True, False),
            ("Value", Kind.ANY, False, True),
            ("Channels", Kind.LIST, True, False),
        ]
        assert (shape("").form, shape("text").form) == (Form.NOTHING, Form.TEXT)

    @pytest.mark.parametrize("wrong", ["{Name}", "{Name:colour}", "(x)"])
    def test_rubbish_is_refused(self, wrong):
        with pytest.raises((ValueError, KeyError)):
            shape(wrong)

    def test_every_function_has_one_name(self):
        assert len(BY_PATH) == len(FUNCTIONS)


class TestDifferences:
    def test_none(self):
        assert differences(ROWS, [GOOD, {**GOOD, "more": 1}]) == []
        assert differences(ROWS, [{key.upper(): value for key, value in GOOD.items()}]) == []
        assert differences(ROWS, []) == []

    @pytest.mark.parametrize(
        ("change", "path", "seen"),
        [
            ({"TemplateID": "3"}, "$[0].TemplateID", "a whole number as text"),
            ({"TemplateID": True}, "$[0].TemplateID", "true or false"),
            ({"TemplateID": None}, "$[0].TemplateID", "null"),
            ({"CustomerID": 7}, "$[0].CustomerID", "a whole number"),
            ({"Channels": [{"Id": "x"}]}, "$[0].Channels[0].Id", "text"),
            ({"Channels": {}}, "$[0].Channels", "an object with the keys "),
        ],
    )
    def test_a_value(self, change, path, seen):
        [found] = differences(ROWS, [{**GOOD, **change}])
        assert (found.path, found.seen) == (path, seen)

    def test_a_renamed_key_is_guessed(self):
        row = {key: value for key, value in GOOD.items() if key != "CustomerID"}
        [found] = differences(ROWS, [{**row, "cust_id": "a", "Colour": "red"}])
        assert (found.key, found.found_key) == ("CustomerID", "cust_id")

    def test_a_missing_key_is_told_once(self):
        rows = [{key: value for key, value in GOOD.items() if key != "TemplateID"}] * 3
        [found] = differences(ROWS, rows)
        assert found.is_missing and found.path == "$[0].TemplateID"

    @pytest.mark.parametrize("document", [{}, "x", None, 3, {"data": []}])
    def test_another_form(self, document):
        [found] = differences(ROWS, document)
        assert found.path == "$"

    def test_rows_that_are_no_objects(self):
        assert [one.expected for one in differences(ROWS, ["x", "y"])] == ["an object"]

    def test_forms_are_told_without_values(self):
        assert mask("24/06/2015 Anna") == "99/99/9999 xxxx"


class TestExecutionRows:
    ROW = {
        "CustomerID": "c1", "ActionID": 2, "ChannelID": 505, "TemplateID": 14, "TemplateName": "T",
        "ScheduledTime": "2027-03-01 10:00:00", "ScheduleTime": "2027-03-01 10:00:00", "PromoCode": "",
    }  # fmt: skip

    @pytest.mark.parametrize(
        "change",
        [
            {}, {"TemplateID": "14"}, {"ActionID": "2"}, {"CustomerID": 7}, {"ChannelID": None}, {"Extra": [1]},
            {"PromoCode": None}, {"TemplateName": None}, {"ScheduledTime": ""},
        ],
    )  # fmt: skip
    def test_a_page_reads_as_its_rows_do(self, change):
        row = {**self.ROW, **change}
        assert ExecutionRow.read_all([row, self.ROW]) == [ExecutionRow.read(row), ExecutionRow.read(self.ROW)]

    @pytest.mark.parametrize(
        "change",
        [
            {"CustomerID": ""}, {"CustomerID": "a\x00"}, {"CustomerID": None}, {"ActionID": -1}, {"ActionID": True},
            {"customerid": "other"}, {"TemplateID": 1.5}, {"PromoCode": "\x00"}, {"TemplateName": "\x00"},
        ],
    )  # fmt: skip
    def test_what_a_row_refuses_a_page_refuses(self, change):
        row = {**self.ROW, **change}
        with pytest.raises(ContractBroken):
            ExecutionRow.read(row)
        with pytest.raises(ContractBroken):
            ExecutionRow.read_all([row])
