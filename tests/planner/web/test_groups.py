"""The group builder: one form that works by plain posts."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html import unescape

import pytest
from tests.planner.targeting.conftest import fill

from tandem.kit.clock import FrozenClock
from tandem.planner.accounts import service as accounts
from tandem.planner.customers.service import latest_snapshot
from tandem.planner.engine.domain import Attribute, Kind
from tandem.planner.targeting import service
from tandem.planner.targeting.models import GroupSize
from tandem.planner.web.groups.choices import sets_of

NEW = "/ui/groups/new"


@pytest.fixture(scope="module")
def kept_account(keep):
    return keep(_filled)


@pytest.fixture
def account(kept_account, db, settings, tmp_path):
    """With four customers and their snapshot."""
    return kept_account.take(settings, tmp_path)


@pytest.fixture
def filled(account):
    return account.id


def _filled(folder):
    clock = FrozenClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    account = accounts.create_account(name="Aster", zone="Europe/Stockholm", currency="SEK", clock=clock)
    fill(account.id, folder, clock)
    return account


def rule(path, attr, op="", value="", **more):
    fields = {"attr": attr, "was": attr, "op": op, "value": value, **more}
    return {f"{path}-{name}": given for name, given in fields.items()}


def form(*rules, do="refresh", match="all", **more):
    fields = {"do": do, "g-match": match, "g-size": str(len(rules)), **more}
    for fieldset in rules:
        fields |= fieldset
    return fields


SPENT = rule("g-0", "events.sale.sum.amount", ">", "300", days="90", category="")
SWEDES = rule("g-1", "country", "in", ["SE"])


def text_of(answer):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def test_without_customers_the_page_says_what_to_do_first(other_account, sign_in):
    client = sign_in(other_account)
    assert "Bring your customers first" in text_of(client.get(NEW))


def test_the_list_is_empty_then_names_the_groups(client, filled, clock):
    assert "Make your first target group" in text_of(client.get("/ui/groups"))
    service.save_group(filled, name="Spenders", text="spent more than 300", clock=clock)
    assert "Spenders spent more than 300" in text_of(client.get("/ui/groups"))


def test_groups_are_listed_by_priority_and_moved(client, filled, clock):
    first, second = (
        service.save_group(filled, name=name, text="spent more than 300", clock=clock) for name in ("B", "A")
    )
    page = text_of(client.get("/ui/groups"))
    assert page.index("1 ↑ ↓ B") < page.index("2 ↑ ↓ A")
    answer = client.post(f"/ui/groups/{second.id}/priority", {"priority": "1"}, follow=True)
    assert "A* has priority 1" in text_of(answer) or "A has priority 1" in text_of(answer)
    assert [group.id for group in service.list_groups(filled)] == [second.id, first.id]
    for wrong in ("0", "3", "x", ""):
        answer = client.post(f"/ui/groups/{second.id}/priority", {"priority": wrong}, follow=True)
        assert "There are 2 target groups" in text_of(answer)
    assert client.post("/ui/groups/999999/priority", {"priority": "1"}).status_code == 404
    third = service.save_group(filled, name="C", text="spent more than 300", clock=clock)
    assert third.priority == 3


def test_the_list_tells_sizes_and_what_changed(client, filled, clock):
    group = service.save_group(filled, name="Spenders", text="spent more than 300", clock=clock)
    assert "not counted yet" in text_of(client.get("/ui/groups"))
    snapshot = latest_snapshot(filled)
    service.keep_sizes(replace(snapshot, as_of=date(2026, 6, 29)))
    service.keep_sizes(snapshot)
    GroupSize.objects.filter(account_id=filled, day=date(2026, 6, 29)).update(members=1)
    answer = client.get("/ui/groups")
    assert "Sizes are those of 2026-06-30" in text_of(answer)
    assert "2 (50 %) From 1 on 2026-06-29 to 2 +1" in text_of(answer)
    assert "plot-spark" in answer.content.decode()
    assert service.group_sizes(filled)[group.id].change == 1
    service.save_group(filled, group_id=group.id, name="Spenders", text="spent more than 500", clock=clock)
    assert "not counted yet" in text_of(client.get("/ui/groups"))


def test_a_count_comes_with_share_stages_and_people(client, filled):
    answer = client.post(NEW, form(SPENT, SWEDES, do="people"))
    assert answer.status_code == 200
    told = text_of(answer)
    assert "1 customers" in told
    assert "of 4, on 30 Jun 2026" in told
    assert "anna" in told
    assert "spent more than 300 in the last 90 days and country is any of SE" in told
    assert service.list_groups(filled) == ()


def test_htmx_gets_the_form_alone(client, filled):
    answer = client.post(NEW, form(SPENT), headers={"HX-Request": "true"})
    assert answer.content.lstrip().startswith(b'<form id="group"')
    assert b'role="status"' in answer.content
    assert b"style=" not in answer.content


def test_saving_and_changing(client, filled):
    answer = client.post(NEW, form(SPENT, SWEDES, do="save", name="Spenders"))
    group = service.find_group(filled, "Spenders")
    assert (answer.status_code, answer["Location"]) == (302, f"/ui/groups/{group.id}")
    opened = client.get(f"/ui/groups/{group.id}")
    assert 'value="300"' in opened.content.decode()
    answer = client.post(f"/ui/groups/{group.id}", form(SPENT, do="save", name="Spenders"))
    assert answer.status_code == 302
    assert service.get_group(filled, group.id).version == 2


@pytest.mark.parametrize(
    ("posted", "words"),
    [
        (form(SPENT, do="save"), "Give the target group a name."),
        (form(rule("g-0", ""), do="save", name="X"), "Choose what to ask, or remove this condition."),
        (
            form(rule("g-0", "country", "in", []), do="save", name="X"),
            "Give a value, or remove this condition.",
        ),
        (form(rule("g-0", "orders", ">=", "many")), "takes a number, not 'many'"),
        (
            form(rule("g-0", "orders", "between", "5", value2="1")),
            "the first value is larger than the second",
        ),
        (form(rule("g-0", "secret", "=", "1")), "No attribute is called 'secret'"),
        (form(SPENT, do="from-text", text="spent lots"), "At character 7 stands lots"),
        (form(SPENT, do="save", name="X", text="ordered", text_was=""), "The text was changed but not used."),
        (
            form({"g-0-size": "0", "g-0-match": "any"}, do="save", name="X"),
            "Fill the empty group or remove it.",
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_saved(client, filled, posted, words):
    answer = client.post(NEW, posted)
    assert answer.status_code == 422
    assert words in text_of(answer).replace("*", "")
    assert service.list_groups(filled) == ()


def test_buttons_add_and_remove(client, filled):
    grown = client.post(NEW, form(SPENT, do="add-rule:g")).content.decode()
    assert 'name="g-1-attr"' in grown
    nested = client.post(NEW, form(SPENT, do="add-group:g")).content.decode()
    assert 'name="g-1-0-attr"' in nested
    shrunk = client.post(NEW, form(SPENT, SWEDES, do="del:g-0")).content.decode()
    assert 'name="g-1-attr"' not in shrunk
    assert 'value="country" selected' in shrunk


def test_another_attribute_resets_operator_and_value(client, filled):
    changed = {**rule("g-0", "orders", ">", "300"), "g-0-was": "country"}
    answer = client.post(NEW, form(changed)).content.decode()
    assert 'value="300"' not in answer
    assert '<option value="&gt;=" selected>' in answer


def test_scores_have_headings_and_a_search_offers_fewer(filled):
    rank = Attribute(
        name="churn_risk_percentile", label="risk of churn percentile", kind=Kind.NUMBER, set="Risk of churn",
        meaning="1 to 100.", low=1, high=100,
    )  # fmt: skip
    empty = replace(rank, name="churn_risk", label="risk of churn", low=None, high=None)
    orders = replace(rank, name="orders", label="orders", set="Orders")
    stage = replace(rank, name="stage", label="lifecycle stage", set="Model")
    every = (orders, rank, empty, stage)
    assert [heading for heading, _ in sets_of(every)] == ["Model", "Risk of churn", "Orders"]
    assert sets_of(every, "Churn  PERCENT") == [("Risk of churn", [rank])]
    assert sets_of(every, "nothing like it", {"orders"}) == [("Orders", [orders])]
    assert sets_of(every, "churn", {"churn_risk"}) == [("Risk of churn", [rank, empty])]


def test_a_search_leaves_the_attribute_of_a_condition(client, filled):
    page = client.post(NEW, form(SWEDES, find="days since")).content.decode()
    assert 'value="days since"' in page and ">Days since last order<" in page
    assert ">Total spent<" not in page


def test_the_first_button_of_the_form_only_refreshes(client, filled):
    page = client.get(NEW).content.decode()
    form_part = page[page.index('<form id="group"') :]
    assert re.search(r"<button[^>]*>", form_part).group(0).count('value="refresh"') == 1


def test_text_fills_the_builder_and_edited_text_is_kept(client, filled):
    posted = form(SPENT, do="from-text", text="never ordered category Shoes\r\n", text_was="")
    used = client.post(NEW, posted)
    assert 'value="events.sale.none" selected' in used.content.decode()
    kept = client.post(NEW, form(SPENT, text="never ord", text_was="spent more than 300"))
    assert "never ord</textarea>" in kept.content.decode()


def test_nobody_and_one_person_are_explained(client, filled):
    nobody = rule("g-1", "country", "in", ["NO"])
    answer = client.post(NEW, form(SPENT, nobody, do="check", person="bert"))
    told = text_of(answer)
    assert "Why nobody?" in told
    assert "bert is not in the group" in told
    assert "spent more than 300 in the last 90 days: 20.00" in told
    answer = client.post(NEW, form(SPENT, do="check", person="zora"))
    assert "There is no customer zora." in text_of(answer)


def test_another_accounts_group_is_not_found(client, filled, other_account, clock, tmp_path):
    fill(other_account.id, tmp_path, clock)
    theirs = service.save_group(other_account.id, name="Theirs", text="ordered", clock=clock)
    assert client.get(f"/ui/groups/{theirs.id}").status_code == 404


def test_a_viewer_may_look_and_not_save(filled, account, sign_in, clock):
    group = service.save_group(filled, name="Spenders", text="spent more than 300", clock=clock)
    viewer = sign_in(account, "viewer")
    assert viewer.get(f"/ui/groups/{group.id}").status_code == 200
    assert viewer.post(f"/ui/groups/{group.id}", form(SPENT, do="save", name="Mine")).status_code == 403
