"""Whatever stands in the cells of an import file comes back from the database, one line without control characters."""

import hashlib
import hmac

import pytest
from django.conf import settings as django_settings
from django.db import DataError, IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.examples import examples
from tests.fixtures.sendings import CLOCK, create_house

from tandem.messenger.contacts import keys, service
from tandem.messenger.contacts.domain import clean
from tandem.messenger.contacts.merging import merge_rows
from tandem.messenger.contacts.models import Contact
from tandem.messenger.contacts.service import batches

pytestmark = pytest.mark.django_db
CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\t\n\r\0"), max_size=30)


@pytest.fixture(scope="module")
def kept_house(keep):
    def build(_):
        house = create_house()
        service.define_property(house.account_id, name="level", clock=CLOCK)
        return house

    return keep(build)


@pytest.fixture
def house(kept_house, db, settings, tmp_path):
    return kept_house.take(settings, tmp_path)


def imported(house, lines):
    import_id = service.start_import(house.account_id, house.list_id, clock=CLOCK)
    body = ["\n".join(["originalId\tcity\tlevel\tfirstName", *lines]).encode()]
    batch = service.upload(house.account_id, house.list_id, import_id, body, defer=False, clock=CLOCK)
    return service.run_batch(house.account_id, batch.id, clock=CLOCK)


def found(house, original_id):
    one = service.get_contact(house.account_id, house.list_id, original_id)
    return one.city, one.named.get("level", ""), one.first_name


@given(cells=st.lists(st.one_of(CELLS, st.sampled_from(["\\", "\\N", "\\.", "a\\tb", '"', "'{}", "\x85", "\u2028 x"])),
                      min_size=3, max_size=3))  # fmt: skip
@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
def test_any_cells(house, cells):
    batch = imported(house, ["\t".join(["one", *cells]), "two\\\tx", "\\N\ty"])
    assert (batch.status, batch.total) == ("FINISHED", 3), batch.problems
    shown = found(house, "one")
    assert (shown[0], shown[2]) == (clean(cells[0]), clean(cells[2]))
    assert not clean(cells[1]) or shown[1] == clean(cells[1])
    assert found(house, "two\\") == ("x", "", "")
    assert found(house, "\\N") == ("y", "", "")


def test_short_lines_lack_the_last_cells(house):
    assert imported(house, ["one", "two\tLund", "", "\t\t"]).total == 2
    assert (found(house, "one"), found(house, "two")) == (("", "", ""), ("Lund", "", ""))


@given(
    text=st.text(min_size=1, max_size=80).filter(lambda text: text.isprintable()),
    account=st.integers(1, 2**40),
)
def test_keys_are_hmacs(text, account):
    secret = hmac.new(
        django_settings.SECRET_KEY.encode(), f"suppression:{account}".encode(), hashlib.sha256
    ).digest()
    wanted = hmac.digest(secret, f"customer:{text}".encode(), "sha256").hex()[:32]
    assert keys.customer_key(account, text) == wanted


def test_what_the_database_refuses_ends_the_batch_in_words(house, monkeypatch):
    def refuse(*_, **__):
        raise DataError("value out of range")

    monkeypatch.setattr(batches, "merge_rows", refuse)
    batch = imported(house, ["one\tx"])
    assert (batch.status, batch.problems) == ("ERROR", ("The file holds what cannot be stored.",))


def test_a_batch_that_stops_does_not_hold_up_the_others(house, monkeypatch):
    other = service.create_list(house.account_id, name="Other", clock=CLOCK)
    numbers = []
    for list_id in (house.list_id, other.id):
        import_id = service.start_import(house.account_id, list_id, clock=CLOCK)
        made = service.upload(
            house.account_id, list_id, import_id, [b"originalId\n1"], defer=False, clock=CLOCK
        )
        numbers.append(made.id)

    def stop(account_id, list_id, *more, **named):
        if list_id == house.list_id:
            raise RuntimeError("broken")
        return merge_rows(account_id, list_id, *more, **named)

    monkeypatch.setattr(batches, "merge_rows", stop)
    assert batches.run_waiting(clock=CLOCK) == 2
    assert [service.get_batch(house.account_id, one).status for one in numbers] == ["IN_PROGRESS", "FINISHED"]


def test_a_contact_is_of_the_account_of_its_list(house):
    other = create_house("Southwind")
    imported(house, ["one\tx"])
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        Contact.objects.filter(account_id=house.account_id).update(list_id=other.list_id)
