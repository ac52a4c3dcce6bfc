"""What attributes may be used for, and objections to profiling."""

from datetime import date, timedelta
from functools import partial

import pytest

from tandem.planner.accounts import service as accounts
from tandem.planner.customers import service
from tandem.planner.customers.errors import BadObjection, BadPurpose, UnknownCustomer
from tandem.planner.customers.purposes import Purpose, suggested
from tandem.planner.customers.rights import is_score
from tandem.planner.discovery.domain import GoalKind
from tandem.planner.discovery.service import preparing
from tandem.planner.modelling.service import build_snapshot
from tandem.planner.targeting import service as targeting

ORDERS = "customer_id,date,amount\nA,2026-06-20,20.00\nB,2026-06-25,7.50\nC,2026-06-30,1.00\n"
DAY = date(2026, 6, 30)


@pytest.fixture
def shop(account, write, clock):
    service.import_orders(account.id, write("orders.csv", ORDERS), clock=clock)
    return account


@pytest.mark.parametrize(
    "label",
    [
        "Religion", "religious_view", "Konfession", "Trosuppfattning", "Health status", "Gesundheitszustand", "santé",
        "Krankheit", "blood_type", "Ethnicity", "Etnisk bakgrund", "Origine ethnique", "Politik", "party member",
        "TradeUnion", "Gewerkschaft", "Fackförening", "Sexual orientation", "sexuell_laggning", "Fingerprint hash",
        "Criminal record", "Vorstrafen", "isPregnant", "Allergies", "halsotillstand", "dna",
    ],
)  # fmt: skip
def test_names_that_suggest_a_sensitive_attribute(label):
    assert suggested(label)[0] is Purpose.SENSITIVE


@pytest.mark.parametrize(
    "label",
    ["country", "shoe size", "loyalty_points", "birthday", "Erasmus", "racing_bike", "partner", "city", "Newsletter",
     "union_jack_cap", "store", "devotee", "trace", "wealth", "brand", "iris_flower_count", "classic"],
)  # fmt: skip
def test_names_that_are_ordinary(label):
    expected = (
        Purpose.SENSITIVE if label.startswith("iris_") or label.startswith("union_") else Purpose.MODELS
    )
    assert suggested(label)[0] is expected  # whole words are rather asked about than missed


def test_a_file_gives_its_attributes_purposes_and_models_see_no_sensitive_one(shop, write, clock):
    people = "customer_id,tier,religion,shoe,pet\nA,gold,none,41,cat\nB,blue,other,38,dog\n"
    file = write("people.csv", people)
    service.import_attributes(
        shop.id, file, purposes={"shoe": "targeting", "pet": "identity"}, actor="Ada", clock=clock
    )
    told = {one.name: (one.purpose, one.suggested) for one in service.dictionary(shop.id)}
    assert told == {
        "tier": ("models", "models"), "religion": ("sensitive", "sensitive"), "shoe": ("targeting", "models"),
    }  # fmt: skip
    seen = service.model_columns(shop.id)
    assert {"tier", "orders", "total_spent", "country"} <= set(seen)
    assert not {"religion", "shoe", "pet", "text_pet", "may_receive_email", "stage"} & set(seen)
    assert service.get_customer(shop.id, "A").identity == {"text_pet": "cat"}
    assert service.sensitive_columns(shop.id) == {"religion"}
    # a later file changes no purpose by itself, a person does
    service.import_attributes(
        shop.id,
        write("more.csv", people.replace("41", "42")),
        mapping="customer=customer_id,shoe=shoe",
        clock=clock,
    )
    assert {one.name: one.purpose for one in service.dictionary(shop.id)}["shoe"] == "targeting"
    service.set_purpose(shop.id, "tier", "identity", actor="Ada", clock=clock)
    build_snapshot(shop.id, DAY, clock=clock)
    assert {"religion", "shoe", "may_be_profiled"} <= {one.name for one in service.catalogue(shop.id)}
    assert "tier" not in {one.name for one in service.catalogue(shop.id)}
    assert accounts.recent_activity(shop.id)[0].action == "attribute.purpose"


def test_what_was_bought_may_be_kept_from_models_and_discovery(account, write, clock):
    lines = [f"{c},{day},9,{kind},SE" for c, day, kind in (
        ("A", "2025-06-20", "Books"), ("A", "2026-06-20", "Wigs, oncology"), ("B", "2026-06-25", "Books"),
        ("C", "2026-06-30", "Allergy care"))]  # fmt: skip
    text = "\n".join(["customer,date,amount,category,country", *lines]).replace(
        "Wigs, oncology", '"Wigs, oncology"'
    )
    service.import_orders(account.id, write("orders.csv", text), clock=clock)
    told = {one.name: (one.purpose, one.suggested) for one in service.order_dictionary(account.id)}
    assert told == {"main_category": ("models", "models"), "country": ("models", "models")}
    snapshot = build_snapshot(account.id, DAY, clock=clock)
    told = {one.name: (one.suggested, one.why) for one in service.order_dictionary(account.id)}
    assert told["main_category"] == ("sensitive", "health (Allergy care)") and told["country"] == (
        "models",
        "",
    )

    def seen():
        with preparing.opened(snapshot, "rights") as session:
            made = preparing.prepare(
                session, snapshot, GoalKind.ORDERS, DAY - timedelta(days=5), 5, categories=("Books",)
            )
        return {one for one in made.frame.raw if "categor" in one or "spent on" in one}

    assert seen() >= {"main_category", "spent on Books"} and "country" in service.model_columns(account.id)
    for name, purpose in (("main_category", "sensitive"), ("country", "targeting")):
        service.set_purpose(account.id, name, purpose, actor="Ada", clock=clock)
    assert seen() == set() and not {"main_category", "country"} & set(service.model_columns(account.id))
    assert service.sensitive_columns(account.id) == {"main_category"}
    assert accounts.recent_activity(account.id)[0].subject == "country"
    with pytest.raises(BadPurpose, match="names nobody"):
        service.set_purpose(account.id, "country", "identity", actor="Ada", clock=clock)
    # a country that is an attribute of the account's own has that attribute's purpose
    service.import_attributes(account.id, write("p.csv", "customer_id,country\nA,NO\n"), clock=clock)
    assert [one.name for one in service.order_dictionary(account.id)] == ["main_category"]
    assert "country" in service.model_columns(account.id)


def test_what_is_no_purpose_is_refused_and_changes_nothing(shop, write, clock):
    file = write("people.csv", "customer_id,tier\nA,gold\n")
    for wrong in ({"tier": "everything"}, {"nothing": "models"}):
        with pytest.raises(BadPurpose):
            service.import_attributes(shop.id, file, purposes=wrong, clock=clock)
    with pytest.raises(BadPurpose):
        service.set_purpose(shop.id, "orders", "targeting", actor="Ada", clock=clock)
    assert service.dictionary(shop.id) == ()


def test_an_objection_is_lifted_only_by_wish(shop, write, clock):
    said = service.object_to_profiling(shop.id, "A", how="by letter", actor="Ada", clock=clock)
    assert (said.by, said.how, said.at, said.lifted_at) == ("Ada", "by letter", clock.business(), None)
    assert service.object_to_profiling(shop.id, "A", how="again", actor="Bo", clock=clock) == said
    # a file's no lifts nothing, its yes is written down
    file = write("people.csv", "customer_id,no_profiling,tier\nA,no,x\nB,yes,x\nC,,x\n")
    report = service.import_attributes(shop.id, file, actor="Ada", clock=clock)
    assert "objects_to_profiling=no_profiling" in report.mapping and not report.reasons
    assert service.count_objections(shop.id) == 2
    assert service.objections_of(shop.id, "B")[0].how == "column no_profiling of the file people.csv"
    lifted = service.lift_objection(shop.id, "A", how="by telephone", actor="Bo", clock=clock)
    assert (lifted.lifted_by, lifted.lifted_how, lifted.how) == ("Bo", "by telephone", "by letter")
    assert service.count_objections(shop.id) == 1


def test_an_objection_that_cannot_be_written_down(shop, clock):
    with pytest.raises(BadObjection):
        service.object_to_profiling(shop.id, "A", how="  ", actor="Ada", clock=clock)
    with pytest.raises(UnknownCustomer):
        service.object_to_profiling(shop.id, "Z", how="by letter", actor="Ada", clock=clock)
    with pytest.raises(BadObjection):
        service.lift_objection(shop.id, "A", how="by letter", actor="Ada", clock=clock)


def test_a_forgotten_person_s_objection_goes_and_is_in_the_export_before(shop, clock):
    service.object_to_profiling(shop.id, "A", how="by letter", actor="Ada", clock=clock)
    assert service.export(shop.id, "A")["objections"][0]["how"] == "by letter"
    report = service.forget(shop.id, "A", clock=clock)
    assert ("objections to profiling", 1) in report.found and service.count_objections(shop.id) == 0


def test_who_objects_is_in_no_segment_and_in_no_group_by_one_until_the_person_wishes_otherwise(shop, clock):
    def members(text):
        condition = targeting.to_condition(shop.id, text)
        return {one for one in "ABC" if targeting.explain(shop.id, condition, one).member}

    def of(customer):
        known = service.get_customer(shop.id, customer).attributes
        names = ("microsegment", "value_segment", "future_value_percentile", "may_be_profiled")
        return [known.get(name) for name in names]

    build_snapshot(shop.id, DAY, clock=clock)
    segment = of("A")[0]
    text = f'microsegment is any of "{segment}"'
    assert segment and "A" in members(text)
    service.object_to_profiling(shop.id, "A", how="by letter", actor="Ada", clock=clock)
    build_snapshot(shop.id, DAY, clock=clock)
    assert of("A") == [None, None, None, False] and of("B")[0] and of("B")[3] is True
    new = service.get_customer(shop.id, "A").attributes["stage"]
    told = partial(service.customers_with, shop.id, "stage", new, day=None, also="future_value")
    assert {one for one, _ in told()} - {one for one, _ in told(profiled=True)} == {"A"}
    for asked in (text, f"not ({text})", "microsegment is unknown", f"not (not ({text}))"):
        assert "A" not in members(asked)
        condition = targeting.to_condition(shop.id, asked)
        assert targeting.members_count(shop.id, condition) == len(members(asked))
    assert "A" in members("orders is at least 1")
    service.lift_objection(shop.id, "A", how="by telephone", actor="Ada", clock=clock)
    build_snapshot(shop.id, DAY, clock=clock)
    assert of("A")[0] == segment and "A" in members(text)


@pytest.mark.models
def test_no_model_scores_who_objects(account, write, clock):
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(180)]
    lines = [
        f"c{n},{days[(n * 7 + k * (3 + n % 29)) % 180]},{5 + n % 40}.00"
        for n in range(130)
        for k in range(1 + n % 6)
    ]
    service.import_orders(
        account.id, write("log.csv", "\n".join(["customer_id,date,amount", *lines])), clock=clock
    )
    service.object_to_profiling(account.id, "c5", how="by letter", actor="Ada", clock=clock)
    build_snapshot(account.id, DAY, clock=clock)
    scores = [one.name for one in service.catalogue(account.id) if is_score(one.name, one.set)]
    known = {customer: service.get_customer(account.id, customer).attributes for customer in ("c5", "c11")}
    assert [name for name in scores if known["c5"][name] is not None] == []
    assert known["c11"]["future_value"] is not None and known["c11"]["future_value_percentile"] is not None
    for text in ("future_value is at least 0", "not (future_value is at least 1000000)"):
        condition = targeting.to_condition(account.id, text)
        assert targeting.explain(account.id, condition, "c11").member
        assert not targeting.explain(account.id, condition, "c5").member
