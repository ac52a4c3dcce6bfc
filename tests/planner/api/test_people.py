"""model/*, groups/*, segments/* and customers/* about who customers are, over the public log on two days."""

from datetime import date, timedelta
from functools import partial

import duckdb
import pytest
from optimove.client import Client
from tests.fixtures.scored import made_up_scores

from tandem.kit import clock as clocks
from tandem.planner.accounts import service as accounts
from tandem.planner.customers import service as customers
from tandem.planner.customers.models import AttributeValue, CallBack, Customer
from tandem.planner.customers.service import callbacks
from tandem.planner.modelling.segments.domain import VALUE_SEGMENTS
from tandem.planner.modelling.service import build_snapshot
from tandem.planner.targeting import service as targeting

FIRST, LAST = date(1998, 4, 30), date(1998, 6, 30)
SPAN = "StartDate=1998-05-10&EndDate=1998-07-05"
PEOPLE = "customer_id,email,firstname,country,age\n00004,canary@example.com,Canary,SE,44\n00021,b@example.com,Bea,NO,\n"


@pytest.fixture
def account(shop, tmp_path, settings):
    settings.TANDEM_STORAGE = tmp_path / "storage"
    return shop.account


@pytest.fixture
def call(call, shop, monkeypatch):
    """At the shop's time, by token: a key has its limit of calls."""
    monkeypatch.setattr(clocks, "from_environment", lambda: shop.clock)
    token = accounts.login("shop", shop.full.password, clock=shop.clock)
    return partial(call, headers={"Authorization-Token": token})


@pytest.fixture(scope="module")
def kept_filled(keep_shop, real):
    return keep_shop(partial(_two_months, real))


def _two_months(real, shop, folder):
    mapping, account = "customer=column1,at=column3,value=column5", shop.account.id
    (folder / "people.csv").write_text(PEOPLE)
    customers.import_orders(account, real("CDNOW_sample.txt"), clock=shop.clock, mapping=mapping)
    customers.import_attributes(account, folder / "people.csv", clock=shop.clock)
    with made_up_scores():
        for day in (FIRST, LAST):
            build_snapshot(account, day, clock=shop.clock)
    for name, text in (("Churned", "stage is Churn"), ("Spenders", "spent_365 is at least 50")):
        targeting.save_group(account, name=name, text=text, clock=shop.clock)


@pytest.fixture
def filled(shop):
    """Two months of the public log; two target groups; attributes of two customers from a file."""
    return customers.snapshots(shop.account.id)[::-1]


@pytest.fixture(scope="module")
def kept_few(keep_shop):
    return keep_shop(_three)


def _three(shop, folder):
    orders = "customer,date,amount\n00004,1998-06-01,10\n00021,1998-05-01,20\n00111,1997-01-01,30\n"
    for name, text in (("orders.csv", orders), ("people.csv", PEOPLE)):
        (folder / name).write_text(text)
    customers.import_orders(shop.account.id, folder / "orders.csv", clock=shop.clock)
    customers.import_attributes(shop.account.id, folder / "people.csv", clock=shop.clock)


@pytest.fixture
def few(account):
    """Three customers, two of them with attributes from a file; no snapshot yet."""
    return account


def column(ref, name):
    """Customer id -> a column's value."""
    with duckdb.connect() as session:
        rows = session.execute(
            f"SELECT customer, {name} FROM '{ref.parquet / 'customers.parquet'}'"
        ).fetchall()
    ids = customers.names_of(ref.account_id, [row[0] for row in rows])
    return {ids[key]: value for key, value in rows}


def moved(refs, name):
    before, after = (column(ref, name) for ref in refs)
    return {one: (before.get(one), after.get(one)) for one in after if before.get(one) != after.get(one)}


def pages(call, path, top):
    """All rows by pages; a row less than a page may be the end."""
    found, skip = [], 0
    while rows := call(f"{path}&$top={top}&$skip={skip}").json():
        found += rows
        skip += len(rows)
    return found


class TestModel:
    def test_attributes(self, call, filled):
        found = call("/current/model/GetCustomerAttributeList").json()
        assert {set(row) == {"RealFieldName", "Description"} for row in found} == {True}
        names = {row["RealFieldName"] for row in found}
        assert {
            "stage",
            "microsegment",
            "value_segment",
            "future_value",
            "churn_risk_percentile",
            "reactivation_permille_in_stage",
            "country",
            "email",
            "mobile",
        } <= names
        asked = ";".join(sorted(names))
        rows = call(
            f"/current/segments/GetCustomersByValueSegment?ValueSegmentID=1&Date=1998-06-30&CustomerAttributes={asked}"
        )
        assert len(rows.json()[0]["CustomerAttributes"]) == len(names)

    def test_stages_and_microsegments(self, call, filled):
        stages = call("/v3.0/model/getlifecyclestagelist").json()
        assert stages[:4] == [
            {"StageID": 1, "StageName": "New"}, {"StageID": 2, "StageName": "Active"},
            {"StageID": 3, "StageName": "FromChurn"}, {"StageID": 4, "StageName": "Churn"},
        ]  # fmt: skip
        found = {row["MicrosegmentID"]: row for row in call("/current/model/GetMicrosegmentList").json()}
        ids, stage, future, risk, back = (
            column(filled[1], name)
            for name in ("microsegment_id", "stage", "future_value", "churn_risk", "reactivation")
        )
        names = {row["StageID"]: row["StageName"] for row in stages}
        for number, row in found.items():
            members = [customer for customer, one in ids.items() if one == number]
            assert {stage[customer] for customer in members} <= {names[row["LifecycleStageID"]]}
            expected = sum(float(future[one] or 0) for one in members) / max(len(members), 1)
            if len(members) < 50:
                assert (row["FutureValue"], row["ChurnRate"]) == (-1, -1)
                continue
            assert row["FutureValue"] == pytest.approx(expected, abs=0.01)
            chances = [1 - back[one] if stage[one] == "Churn" else risk[one] for one in members]
            if members and None not in chances:
                assert row["ChurnRate"] == pytest.approx(sum(chances) / len(chances), abs=0.0001)
        assert {row["ChurnRate"] for row in found.values()} - {-1, 0, 1}

    def test_ranks_are_told_with_any_list(self, call, filled):
        asked = "churn_risk_percentile;future_value_permille;top_spender_percentile_in_stage"
        path = "/current/segments/GetCustomersByValueSegment?ValueSegmentID=1&Date=1998-06-30"
        rows = call(f"{path}&CustomerAttributes={asked}").json()
        known = [column(filled[1], name) for name in asked.split(";")]
        for row in rows:
            values = [one[row["CustomerID"]] for one in known]
            assert row["CustomerAttributes"] == [None if v is None else str(v) for v in values]
        assert {row["CustomerAttributes"][1] for row in rows} >= {"1000"}

    def test_what_others_changed_to_a_rank_is_told(self, call, filled):
        path = (
            "/current/customers/GetCustomerAttributeChangers?ChangedCustomerAttribute=future_value_percentile"
        )
        rows = pages(call, f"{path}&{SPAN}", 1000)
        told = {r["CustomerID"]: (r["InitialCustomerAttribute"], r["FinalCustomerAttribute"]) for r in rows}
        assert told == {
            one: tuple(v if v is None else str(v) for v in values)
            for one, values in moved(filled, "future_value_percentile").items()
        }

    def test_changers_come_page_by_page_and_are_those_of_the_snapshots(self, call, filled):
        rows = pages(call, f"/current/model/GetMicrosegmentChangers?{SPAN}&CustomerAttributes=stage", 100)
        expected = moved(filled, "microsegment_id")
        told = {row["CustomerID"]: (row["InitialMicrosegmentID"], row["FinalMicrosegmentID"]) for row in rows}
        assert told == expected and len(rows) == len(expected) > 100
        stage = column(filled[1], "stage")
        assert all(row["CustomerAttributes"] == [stage[row["CustomerID"]]] for row in rows)

    def test_before_the_first_day_nobody_has_any_and_one_day_has_no_changes(self, call, filled):
        path = "/current/model/GetMicrosegmentChangers?StartDate=1997-01-01&EndDate=1998-06-30"
        rows = pages(call, path, 2000)
        assert {row["InitialMicrosegmentID"] for row in rows} == {-1} and len(rows) == filled[1].customers
        same = "StartDate=1998-05-01&EndDate=1998-06-29"
        assert call(f"/current/model/GetMicrosegmentChangers?{same}").json() == []
        assert (
            call("/current/model/GetMicrosegmentChangers?StartDate=1990-01-01&EndDate=1990-01-02").json()
            == []
        )
        turned = call("/current/model/GetMicrosegmentChangers?StartDate=1998-06-30&EndDate=1998-06-01")
        assert turned.status_code == 400


class TestSegments:
    def test_names_and_ids(self, call, filled):
        found = call("/current/segments/GetValueSegments").json()
        assert found == [
            {"ValueSegmentName": n, "ValueSegmentID": i} for i, n in enumerate(VALUE_SEGMENTS, 1)
        ]
        assert call("/current/segments/GetValueSegmentName?ValueSegmentID=3").json() == {
            "ValueSegmentName": "Gold"
        }
        assert call("/segments/GetValueSegmentID?ValueSegmentName=dIAMOND").json() == {"ValueSegmentID": 1}
        assert call("/segments/GetValueSegmentName?ValueSegmentID=6").status_code == 404
        assert call("/segments/GetValueSegmentID?ValueSegmentName=Tin").status_code == 404

    def test_customers_of_a_segment_on_a_day(self, call, filled):
        for ref, day in ((filled[0], "1998-05-20"), (filled[1], "2026-01-01")):
            names = column(ref, "value_segment")
            for number, name in enumerate(VALUE_SEGMENTS, 1):
                path = f"/current/segments/GetCustomersByValueSegment?ValueSegmentID={number}&Date={day}"
                rows = call(path).json()
                assert {row["CustomerID"] for row in rows} == {one for one, n in names.items() if n == name}
        assert call("/segments/GetCustomersByValueSegment?ValueSegmentID=1&Date=1990-01-01").json() == []

    def test_changers(self, call, filled):
        rows = pages(call, f"/v3.0/segments/GetValueSegmentChangers?{SPAN}", 50)
        place = {name: n for n, name in enumerate(VALUE_SEGMENTS, 1)}
        expected = {one: (place[a], place[b]) for one, (a, b) in moved(filled, "value_segment").items()}
        assert expected == {
            row["CustomerID"]: (row["InitialValueSegmentID"], row["FinalValueSegmentID"]) for row in rows
        }


class TestGroups:
    def test_details_names_and_priority(self, call, filled, shop):
        churned, spenders = targeting.list_groups(shop.account.id)
        assert call("/current/groups/GetTargetGroupDetails").json() == [
            {"TargetGroupID": churned.id, "TargetGroupName": "Churned", "TargetGroupPriority": 1},
            {"TargetGroupID": spenders.id, "TargetGroupName": "Spenders", "TargetGroupPriority": 2},
        ]
        assert call("/groups/GetTargetGroupID?TargetGroupName=spenders").json() == {
            "TargetGroupID": spenders.id
        }
        name = call(f"/groups/GetTargetGroupName?TargetGroupID={churned.id}").json()
        assert name == {"TargetGroupName": "Churned"}
        assert call("/groups/GetTargetGroupName?TargetGroupID=999999").status_code == 404
        assert call("/groups/GetTargetGroupID?TargetGroupName=none").status_code == 404
        targeting.set_priority(shop.account.id, spenders.id, 1, actor="test", clock=shop.clock)
        found = call("/current/groups/GetTargetGroupDetails").json()
        assert [row["TargetGroupID"] for row in found] == [spenders.id, churned.id]

    def test_groups_of_a_day_are_those_of_its_campaigns(self, call, listed, shop):
        found = call(f"/current/groups/GetTargetGroupsByDate?Date={listed.day}").json()
        assert found == [{"TargetGroupID": listed.group_id}]
        assert call("/current/groups/GetTargetGroupsByDate?Date=2001-01-01").json() == []

    @pytest.mark.parametrize("first", ["Churned", "Spenders"])
    def test_changers_follow_priority(self, call, filled, shop, first):
        chosen = targeting.find_group(shop.account.id, first)
        targeting.set_priority(shop.account.id, chosen.id, 1, actor="test", clock=shop.clock)
        groups = {group.name: group.id for group in targeting.list_groups(shop.account.id)}

        def of(ref):
            stage, spent = column(ref, "stage"), column(ref, "spent_365")
            met = {"Churned": lambda one: stage[one] == "Churn", "Spenders": lambda one: spent[one] >= 50}
            return {one: next((groups[g] for g in groups if met[g](one)), -1) for one in stage}

        before, after = of(filled[0]), of(filled[1])
        rows = pages(call, f"/current/customers/GetTargetGroupChangers?{SPAN}", 77)
        told = {row["CustomerID"]: (row["InitialTargetGroupID"], row["FinalTargetGroupID"]) for row in rows}
        assert told == {one: (before[one], after[one]) for one in after if before[one] != after[one]}
        assert len(told) > 77


class TestCustomers:
    def test_attribute_changers_in_both_spellings(self, call, filled):
        path = "/current/customers/GetCustomerAttributeChangers"
        rows = pages(call, f"{path}?ChangedCustomerAttribute=STAGE&{SPAN}", 1000)
        told = {r["CustomerID"]: (r["InitialCustomerAttribute"], r["FinalCustomerAttributes"]) for r in rows}
        assert told == moved(filled, "stage") != {}
        for asked in ("changedcustomerattributes=stage", "ChangedCustomerAttribute=lifecycle%20Stage"):
            assert call(f"{path}?{asked}").json() == rows

    def test_no_value_is_null_and_its_word(self, call, filled):
        span = "StartDate=1990-01-01&EndDate=1998-06-30"
        path = f"/current/customers/GetCustomerAttributeChangers?ChangedCustomerAttribute=country&{span}"
        assert sorted(call(path).json(), key=lambda row: row["CustomerID"]) == [
            {
                "CustomerID": one, "InitialCustomerAttribute": None, "FinalCustomerAttribute": country,
                "InitialCustomerAttributes": "NULL", "FinalCustomerAttributes": country,
            }
            for one, country in (("00004", "SE"), ("00021", "NO"))
        ]  # fmt: skip
        for bad in ("nothing", "email"):
            path = f"/current/customers/GetCustomerAttributeChangers?ChangedCustomerAttribute={bad}"
            assert call(path).status_code == 400

    def test_future_values(self, call, filled):
        stage, future = column(filled[1], "stage"), column(filled[1], "future_value")
        rows = pages(call, "/current/customers/GetCustomerFutureValues?LifecycleStageID=4", 500)
        assert {row["CustomerID"]: row["FutureValue"] for row in rows} == {
            one: float(future[one]) for one, name in stage.items() if name == "Churn"
        }
        assert len({row["FutureValue"] for row in rows}) > 100
        by = "CustomerAttributes=Country&CustomerAttributeValue=se"
        assert [row["CustomerID"] for row in call(f"/customers/GetCustomerFutureValues?{by}").json()] == [
            "00004"
        ]
        by = "CustomerAttribute=age&CustomerAttributeValue=44.0"
        assert [row["CustomerID"] for row in call(f"/customers/GetCustomerFutureValues?{by}").json()] == [
            "00004"
        ]
        by = "CustomerAttribute=age&CustomerAttributeValue=old"
        assert call(f"/customers/GetCustomerFutureValues?{by}").json() == []
        assert call("/customers/GetCustomerFutureValues?LifecycleStageID=77").json() == []
        assert call("/customers/GetCustomerFutureValues").status_code == 400

    def test_all_attributes_of_one(self, call, few, shop):
        build_snapshot(few.id, LAST, clock=shop.clock)
        path = "/Customers/00004/Attributes"
        rows = {row["RealFieldName"]: row for row in call(path).json()}
        assert call("/v3.0/customers/00004/attributes/").json() == list(rows.values())
        assert rows["country"] == {
            "RealFieldName": "country", "Alias": "country", "FieldType": "Nvarchar", "Value": "SE",
        }  # fmt: skip
        assert (rows["age"]["FieldType"], rows["age"]["Value"]) == ("Decimal", "44")
        assert (rows["orders"]["FieldType"], rows["total_spent"]["FieldType"]) == ("Bigint", "Decimal")
        assert rows["first_order"]["Value"] == "1998-06-01"
        assert "canary" not in str(rows).lower()
        assert call("/Customers/nobody/Attributes").status_code == 404
        assert call("/Customers/a%2Fb/Attributes").status_code == 404
        assert call(path, {}).status_code == 405

    def test_identity_is_told_by_either_name(self, call, filled):
        by = "CustomerAttribute=FirstName;eMailAddress&CustomerAttributesDelimiter=;"
        path = "/v1.6/customers/GetCustomerAttributeChangers?ChangedCustomerAttribute=country&StartDate=1990-01-01"
        rows = call(f"{path}&EndDate=1998-06-30&{by}").json()
        told = {row["CustomerAttribute"] for row in rows}
        assert told == {"Canary;canary@example.com", "Bea;b@example.com"} and len(rows) == 2
        found = customers.attributes_for(filled[0].account_id, ["00004"], ["eMail", "Lifecycle Stage", "AGE"])
        assert found == {"00004": ["canary@example.com", column(filled[1], "stage")["00004"], "44"]}


def body(*values, url="https://crm.example/told"):
    """A body of UpdateCustomerAttributes: (customer, attribute, value), ..."""
    listed = [
        {"CustomerID": one, "Attributes": [{"RealFieldName": name, "Value": value}]}
        for one, name, value in values
    ]
    return {"CustomerNewAttributesValuesList": listed, "CallbackURL": url}


UPDATE, ADD = "/current/customers/UpdateCustomerAttributes", "/current/customers/AddCustomerAttribute"


class TestWriting:
    def test_values_are_in_the_next_snapshot_until_a_later_file_knows_better(self, call, few, shop, write):
        account = shop.account.id
        answer = call(
            UPDATE, body(("00004", "COUNTRY", "DK"), ("00021", "age", 51), ("00111", "Country", "FI"))
        )
        assert (answer.status_code, answer.content) == (200, b"")

        def now():
            ref = build_snapshot(account, LAST, clock=shop.clock)
            country, age = column(ref, "country"), column(ref, "age")
            return [country["00004"], country["00021"], country["00111"], age["00004"], age["00021"]]

        assert now() == ["DK", "NO", "FI", 44, 51]
        shop.clock.move(minutes=9)
        customers.import_attributes(
            account, write("other.csv", "customer_id,age\n00004,45\n"), clock=shop.clock
        )
        shop.clock.move(minutes=9)
        customers.import_attributes(account, write("again.csv", PEOPLE), clock=shop.clock)
        assert now() == ["DK", "NO", "FI", 44, 51]
        newer = "customer_id,country,age\n00004,IS,\n00021,,52\n"
        customers.import_attributes(account, write("newer.csv", newer), clock=shop.clock)
        assert now() == ["IS", "NO", "FI", 44, 52]
        assert call(UPDATE, body(("00004", "country", None))).status_code == 200
        assert now() == [None, "NO", "FI", 44, 52]

    def test_one_wrong_value_and_none_is_taken(self, call, few):
        wrong = [
            (("nobody", "country", "DK"), "INVALID_CUSTOMER"),
            (("00004", "orders", 5), "INVALID_FIELD"),
            (("00004", "email", "a@example.com"), "INVALID_FIELD"),
            (("00004", "age", "old"), "INVALID_VALUE"),
            (("00004", "age", "1e400"), "INVALID_VALUE"),
            (("00004", "age", "1e-999999999"), "INVALID_VALUE"),
            (("00004", "age", "NaN"), "INVALID_VALUE"),
            (("00004", "age", True), "INVALID_VALUE"),
            (("00021", "country", "canary@example.com"), "INVALID_VALUE"),
            (("00021", "country", "+46 70 123 45 67"), "INVALID_VALUE"),
            (("00021", "country", {"a": 1}), "INVALID_VALUE"),
        ]
        for value, error in wrong:
            values = [("00004", "country", "DK"), value]
            assert call(UPDATE, body(*values)).status_code == 200
            told = CallBack.objects.latest("pk").body
            assert (told["isSuccess"], told["error"], told["errors"][0]["error"]) == (False, error, error)
            assert len(told["requestId"]) == 32
            answer = call(UPDATE, body(*values, url=""))
            assert answer.status_code == 400 and error in answer.json()
        assert CallBack.objects.count() == len(wrong) and not AttributeValue.objects.exists()

    def test_limits(self, call, few):
        assert call(UPDATE, body(*[("00004", "age", 1)] * 1001)).status_code == 400
        many = body(("00004", "age", 1))
        many["CustomerNewAttributesValuesList"][0]["Attributes"] *= 11
        assert call(UPDATE, many).status_code == 400
        assert call(UPDATE, body(("00004", "age", 1), url="ftp://x")).status_code == 400
        assert call(UPDATE, {"CallbackURL": "https://x.example"}).status_code == 400
        assert not AttributeValue.objects.exists() and not CallBack.objects.exists()
        assert call(UPDATE, body(*[("00004", "age", n) for n in range(1000)])).status_code == 200
        assert AttributeValue.objects.get().value == "999"

    def test_an_attribute_is_added_with_its_default(self, call, few, shop):
        asked = {
            "Name": "VIP_Level",
            "Type": "varchar(10)",
            "DefaultValue": "Bronze",
            "CallbackURL": "https://a.example",
        }
        assert call(ADD, asked).status_code == 200
        assert call(UPDATE, body(("00004", "vip_level", "Gold"))).status_code == 200
        ref = build_snapshot(shop.account.id, LAST, clock=shop.clock)
        levels = column(ref, "vip_level")
        assert levels.pop("00004") == "Gold" and set(levels.values()) == {"Bronze"}
        group = targeting.count(shop.account.id, targeting.to_condition(shop.account.id, "vip_level is Gold"))
        assert group.members == 1
        assert call(UPDATE, body(("00004", "vip_level", "much too long"), url="")).status_code == 400

    def test_what_is_wrong_with_a_new_attribute(self, call, few):
        asked = {
            "Name": "VIP",
            "Type": "VARCHAR(10)",
            "DefaultValue": "Bronze",
            "CallbackURL": "https://a.example",
        }
        wrong = [
            ({"Name": "e-mail!"}, 1), ({"Name": "Email"}, 1), ({"Type": "BLOB"}, 2), ({"Type": "VARCHAR(x)"}, 2),
            ({"DefaultValue": "much too long"}, 3), ({"Type": "INT"}, 3), ({"Name": "Country"}, 4),
            ({"Name": "stage"}, 4),
        ]  # fmt: skip
        for changed, error in wrong:
            assert call(ADD, asked | changed).status_code == 200
            told = CallBack.objects.latest("pk").body
            assert (told["isSuccess"], told["errorId"]) == (False, error)
            assert call(ADD, asked | changed | {"CallbackURL": ""}).status_code == 400

    def test_forty_attributes_and_no_more(self, call, few):
        for n in range(40):
            assert call(ADD, {"Name": f"Own {n}", "Type": "INT"}).status_code == 200
        told = call(ADD, {"Name": "One more", "Type": "INT"})
        assert told.status_code == 400 and "error 5" in told.json()

    def test_a_customer_is_made_unless_forgotten(self, call, few, shop):
        upsert = "/current/customers/UpsertCustomer"
        asked = {"CustomerId": "new one", "Attributes": [{"RealFieldName": "country", "Value": "SE"}]}
        assert call(upsert, asked, method="PUT").status_code == 200
        assert call(upsert, asked, method="POST").status_code == 405
        ref = build_snapshot(shop.account.id, LAST, clock=shop.clock)
        assert (column(ref, "country")["new one"], column(ref, "stage")["new one"]) == (
            "SE",
            "Registered only",
        )
        assert customers.export(shop.account.id, "new one")["written"] == {"country": "SE"}
        report = customers.forget(shop.account.id, "new one", clock=shop.clock)
        assert ("written attribute values", 1) in report.found and not AttributeValue.objects.exists()
        assert call(upsert, asked, method="PUT").status_code == 400
        assert not Customer.objects.filter(customer_id="new one").exists()

    def test_a_forgotten_person_leaves_the_membership_files_and_the_catalogue_stays(self, call, filled, shop):
        assert call(f"/current/customers/GetTargetGroupChangers?{SPAN}").status_code == 200
        known = customers.catalogue(shop.account.id)
        customers.forget(shop.account.id, "00004", clock=shop.clock)
        assert [one.name for one in customers.catalogue(shop.account.id)] == [one.name for one in known]
        rows = pages(call, f"/current/customers/GetTargetGroupChangers?{SPAN}", 500)
        assert rows and "00004" not in {row["CustomerID"] for row in rows}


class TestCallBacks:
    def test_posted_once_it_is_taken(self, call, few, shop, settings, monkeypatch):
        posted, answers = [], iter([500, 200])

        class Caller:
            def request(self, method, url, *, headers, content):
                posted.append((method, url, content))
                return type("Answer", (), {"status": next(answers)})()

        monkeypatch.setattr(callbacks, "_http", lambda allow: Caller())
        assert call(UPDATE, body(("00004", "age", 1))).status_code == 200
        row = CallBack.objects.get()
        assert "crm.example" not in row.url
        clock = shop.clock
        assert callbacks.deliver(row.pk, clock=clock) and not callbacks.deliver(row.pk, clock=clock)
        assert len(posted) == 1 and callbacks.due(clock=clock) == ()
        clock.now += callbacks.PAUSES[0]
        assert callbacks.due(clock=clock) == (row.pk,)
        assert callbacks.deliver(row.pk, clock=clock) and not CallBack.objects.exists()
        assert posted[0][:2] == ("POST", "https://crm.example/told") and posted[0] == posted[1]

    def test_a_private_address_is_not_called_and_given_up_in_the_end(self, shop):
        callbacks.enqueue(shop.account.id, "http://10.0.0.1/told", {"isSuccess": True}, clock=shop.clock)
        row = CallBack.objects.get()
        for pause in (*callbacks.PAUSES, timedelta()):
            assert callbacks.deliver(row.pk, clock=shop.clock)
            shop.clock.now += pause + timedelta(seconds=1)
        assert not CallBack.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_public_client_reads_all_of_it(live_server, call, filled, shop):
    shop.clock.move(seconds=2)
    public = Client("shop", shop.full.password, url=live_server.url)
    asked, days = ["Stage", "Country"], ("1998-05-10", "1998-07-05")
    stage = column(filled[1], "stage")
    assert public.model.get_customer_attribute_list()["stage"].startswith("Where the customer stands")
    stages = public.model.get_lifecycle_stage_list()
    assert stages[4] == "Churn"
    micro = public.model.get_microsegment_list()
    assert {one["stage_id"] for one in micro.values()} == set(stages)
    rows = public.model.get_microsegment_changers(*days, asked)
    assert rows and all(row["attributes"]["Stage"] == stage[row["customer_id"]] for row in rows)
    assert rows[0]["final"] in micro
    assert public.segments.get_value_segments()[1] == "Diamond"
    assert public.segments.get_value_segment_id(public.segments.get_value_segment_name(3)) == 3
    assert public.segments.get_customers_by_value_segment(3, days[1], asked)
    assert public.segments.get_value_segment_changers(*days, asked)
    [first, second] = public.groups.get_target_group_details().items()
    assert {first[1]["name"], second[1]["name"]} == {"Churned", "Spenders"}
    assert public.groups.get_target_group_id(public.groups.get_target_group_name(first[0])) == first[0]
    assert public.customers.get_target_group_changers(*days, asked, top=100)
    changed = public.customers.get_customer_attribute_changers(*days, "Stage", asked, top=100)
    assert changed and all(row["final_customer_attribute"] == stage[row["customer_id"]] for row in changed)
    values = public.customers.get_customer_future_values(life_cycle_stage_id=4)
    assert set(values) == {one for one, name in stage.items() if name == "Churn"}
    asked = ["Future value permille", "reactivation_percentile"]
    top = public.segments.get_customers_by_value_segment(1, days[1], asked)
    best = column(filled[1], "future_value_permille")
    assert top and all(values[asked[0]] == str(best[one]) for one, values in top.items())
    assert list(public.customers.get_customer_future_values(attribute="Country", attribute_value="SE")) == [
        "00004"
    ]
