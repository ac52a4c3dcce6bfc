"""Over the whole table of functions: any casing, prefix and paging give the same data; no input is a server error."""

from urllib.parse import quote, urlencode

import orjson
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples

from tandem.planner.accounts.models import KeyCalls
from tandem.planner.api import table
from tandem.planner.api.function import Function, Kind

pytestmark = pytest.mark.django_db
BUILT = [one for one in table.FUNCTIONS if one.answer and not one.open]
READS = [one for one in BUILT if one.method == "GET" and not one.path]
LISTS = [one for one in READS if one.page]
SAME = settings(
    max_examples=examples(2),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
    database=None,
)


GROUPS = sorted({one.group for one in BUILT})


def of_group(functions: list[Function], group: str) -> list[Function]:
    return [one for one in functions if one.group == group]


@pytest.fixture
def known(listed, stocked):
    """A sensible value for every parameter of the shop's one campaign."""
    return {
        "campaignid": listed.occurrence_id, "channelid": 504, "date": "2026-07-01", "startdate": "2026-06-30",
        "enddate": "2026-07-01", "customerid": "c2", "targetgroupid": stocked.group, "actionid": 2, "eventid": 2,
        "actionname": "we miss you", "recipientgroupid": 1, "lifecyclestageid": 1, "valuesegmentid": 1,
        "templateid": 11,
        "changedcustomerattribute": "orders", "customerattribute": "", "includetemplateids": "True",
        "includecontrolgroup": "True", "includerecipientgroupid": "True", "targetgroupname": "Everybody",
        "valuesegmentname": "Diamond",
    }  # fmt: skip


@pytest.fixture
def ask(client, shop):
    """One call with the full key, as if it never had been; the answer."""

    def run(method, path, query=None, body=None):
        KeyCalls.objects.all().delete()
        address = f"/{path}?{urlencode(query or {}, quote_via=quote)}"
        with transaction.atomic():
            answer = client.generic(
                method,
                address,
                body or b"",
                "application/json",
                headers={"X-API-KEY": shop.full.api_key},
            )
            transaction.set_rollback(True)
        return answer

    return run


def query_of(function, known):
    return {
        param.name: known[param.name.lower()] for param in function.params if known.get(param.name.lower())
    }


def in_any_case(draw, text):
    marks = draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    return "".join(char.upper() if mark else char.lower() for char, mark in zip(text, marks, strict=True))


@pytest.mark.parametrize("group", GROUPS)
def test_any_casing_and_prefix_give_the_same(group, ask, known, in_time):
    for function in of_group(READS, group):
        check_casing(function, ask, known)


def check_casing(function, ask, known):
    query = query_of(function, known)
    plain = ask("GET", f"current/{function.group}/{function.name}", query)

    @SAME
    @given(st.data())
    def check(data):
        prefix = data.draw(st.sampled_from(["", "v1.6/", "V3.0/", "v12.34/", "Current/", "CURRENT/"]))
        name = data.draw(st.sampled_from([function.name, *function.spellings]))
        path = in_any_case(data.draw, f"{function.group}/{name}") + data.draw(st.sampled_from(["", "/"]))
        changed = {in_any_case(data.draw, key): value for key, value in query.items()}
        found = ask("GET", prefix + path, changed)
        assert found.status_code == plain.status_code
        if plain.status_code == 200:
            assert _comparable(found) == _comparable(plain), (function.name, prefix, path, changed)

    check()


def _comparable(answer):
    """The answer's data; what only `current` tells is left out."""
    found = orjson.loads(answer.content)
    newest = ("Tags", "Channels", "TestGroupSize", "ControlGroupSize")
    return (
        {key: value for key, value in found.items() if key not in newest}
        if isinstance(found, dict)
        else found
    )


@pytest.mark.parametrize("group", GROUPS)
def test_pages_of_any_size_make_up_the_whole(group, ask, known, in_time):
    for function in of_group(LISTS, group):
        check_paging(function, ask, known)


def check_paging(function, ask, known):
    query = query_of(function, known)
    path = f"current/{function.group}/{function.name}"
    whole = ask("GET", path, query)
    rows = orjson.loads(whole.content)

    @SAME
    @given(
        size=st.integers(2, 25),
        rubbish=st.sampled_from(
            [{"$top": "0xc000123"}, {"top": "3"}, {"$skip": "-1"}, {"$top": "²"}, {"skip": "4"}]
        ),
    )
    def check(size, rubbish):
        got, pages = [], 0
        while pages <= len(rows):
            page = orjson.loads(ask("GET", path, {**query, "$top": size, "$skip": len(got)}).content)
            if not page:
                break
            assert len(page) <= size
            got, pages = got + page, pages + 1
        assert got == rows
        assert orjson.loads(ask("GET", path, {**query, **rubbish}).content) == rows

    if whole.status_code == 200 and len(rows) < 200:
        check()


ODD_TEXT = st.one_of(
    st.sampled_from(
        ["", " ", "0", "-1", "1.5", "9" * 19, "9" * 30, "1e9", "NaN", "null", "true", "2026-02-30", "2026-07-01",
         "0001-01-01", "9999-12-31", "\x00", "a\x00b", "ÅÄÖ", "'; DROP TABLE x; --", "%", "_", "\\", "504", "²", "١٢"]
    ),
    st.text(max_size=12),
)  # fmt: skip
ODD_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), ODD_TEXT),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
ANY = settings(SAME, max_examples=examples(4))


@pytest.mark.parametrize("group", GROUPS)
def test_no_input_is_a_server_error(group, ask, known, in_time):
    for function in of_group([*BUILT, *(one for one in table.FUNCTIONS if one.open)], group):
        check_odd_input(function, ask, known)


def check_odd_input(function, ask, known):
    names = [param.name for param in function.params] + [
        "CustomerAttributes",
        "CustomerAttributesDelimiter",
        "$top",
    ]

    @ANY
    @given(st.data())
    def check(data):
        odd = {name: data.draw(ODD_TEXT) for name in names if data.draw(st.booleans())}
        method = data.draw(st.sampled_from([*function.methods, *function.methods, "GET", "POST", "DELETE"]))
        body = data.draw(_bodies(function)) if method in ("POST", "PUT") else None
        query = {**query_of(function, known), **odd} if data.draw(st.booleans()) else odd
        path = (function.path or function.name).replace(
            "{CustomerID}", quote(data.draw(ODD_TEXT), safe="") or "x"
        )
        answer = ask(
            method, f"{data.draw(st.sampled_from(['', 'v3.0/']))}{function.group}/{path}", query, body
        )
        assert answer.status_code < 500, (method, path, query, body)
        assert answer.headers["Content-Length"] == str(len(answer.content))

    check()


def _bodies(function):
    """Bytes: no JSON, odd JSON, or nearly the right object with odd values in some fields."""
    fields = function.body.fields if function.body else ()
    right = {param.name: _right(param) for param in fields}
    objects = st.fixed_dictionaries(
        {param.name: st.one_of(st.just(right[param.name]), ODD_JSON) for param in fields}
    )
    wrapped = st.lists(objects, max_size=3) if function.body and function.body.is_array else objects
    return st.one_of(
        st.sampled_from(
            [b"", b"{", b"[]", b"{}", b"null", b'"x"', b"[" * 3000, b'{"a":1,"a":2}', b"\xff\xfe"]
        ),
        wrapped.map(_dumped),
        ODD_JSON.map(_dumped),
    )


def _right(param):
    return {Kind.NUMBER: 1, Kind.TEXT: "x", Kind.DATE: "2026-07-01", Kind.FLAG: True}.get(param.kind, [])


def _dumped(document):
    import json

    return json.dumps(document).encode("utf-8", "surrogatepass")
