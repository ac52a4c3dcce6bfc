import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tandem.planner.customers import service as customers
from tandem.planner.customers import storage
from tandem.planner.daily import intake

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = "".join(f"B{n},2026-10-{n + 1:02},{n}.50\n" for n in range(1, 21))
HEAD = "customer_id,date,amount\nA1,2026-10-01,100.50\nA1,2026-11-02,20\n"
ORDERS = f"{HEAD}{GOOD},2026-11-03,10\nA3,not a date,10\n".encode()


def hand_in(client, content=ORDERS, name="orders.csv"):
    answer = client.post(
        "/ui/customers/import", {"what": "orders", "file": SimpleUploadedFile(name, content)}
    )
    assert answer.status_code == 302, answer.content
    return answer.headers["Location"]


def test_with_no_customers_the_page_says_what_to_do(client):
    text = client.get("/ui/customers").content.decode()
    assert "Bring your customers" in text
    assert "/ui/customers/import" in text


def test_a_file_is_looked_at_tried_imported_and_thrown_away(client, account, clock):
    address = hand_in(client)
    key = address.rsplit("/", 1)[-1]
    look = client.get(address)
    assert "date" in look.content.decode()
    mapping = look.context["mapping"]

    tried = client.post(address, {"what": "orders", "mapping": mapping, "do": "try"})
    assert tried.status_code == 302, tried.context["errors"]
    assert tried.headers["Location"] == f"{address}/progress"
    assert "Waiting for a worker" in client.get(f"{address}/progress").content.decode()
    intake.work(account.id, key, clock=clock)
    report = client.get(f"{address}/progress")
    assert "nothing was written" in report.content.decode()
    assert report.context["report"]["taken"] == 22
    assert customers.count_customers(account.id) == 0

    client.post(address, {"what": "orders", "mapping": mapping, "do": "import"})
    intake.work(account.id, key, clock=clock)
    done = client.get(f"{address}/progress").content.decode()
    assert "Imported" in done
    assert customers.count_customers(account.id) == 21
    assert not list(storage.folder(account.id, "uploads").glob("*/in/*"))
    rejected = b"".join(client.get(f"{address}/errors").streaming_content).decode()
    assert "not a date" in rejected

    page = client.get("/ui/customers").content.decode()
    assert "orders.csv" in page
    assert "up to date" in page
    person = client.get("/ui/customers/person/A1").content.decode()
    assert "Orders" in person and "Risk of churn" not in person
    assert "Where this customer stands" in person and "nothing to compare with" in person


def test_a_file_that_cannot_be_read_is_refused_in_words(client):
    address = hand_in(client, b"\x00\x01\x02\x03nothing", "junk.csv")
    answer = client.get(address)
    assert answer.status_code == 422
    assert answer.context["errors"][0][1].endswith((".", ")"))


def test_no_file_and_an_empty_file_are_refused(client):
    assert client.post("/ui/customers/import", {"what": "orders"}).status_code == 422
    empty = SimpleUploadedFile("empty.csv", b"")
    answer = client.post("/ui/customers/import", {"what": "orders", "file": empty})
    assert answer.status_code == 422


def test_an_upload_can_be_thrown_away(client, account):
    address = hand_in(client)
    assert client.post(address, {"do": "discard"}).headers["Location"] == "/ui/customers"
    assert intake.uploads(account.id) == ()


def test_another_account_sees_neither_upload_nor_person(client, account, other_account, sign_in, clock):
    address = hand_in(client)
    key = address.rsplit("/", 1)[-1]
    client.post(address, {"what": "orders", "do": "import"})
    assert intake.work(account.id, key, clock=clock).problem == ""
    theirs = sign_in(other_account)
    for path in (address, f"{address}/progress", f"{address}/errors", "/ui/customers/person/A1"):
        assert theirs.get(path).status_code == 404, path
    report = customers.imports(account.id)[0]
    assert theirs.get(f"/ui/customers/imports/{report.id}/errors").status_code == 404
    assert "orders.csv" not in theirs.get("/ui/customers").content.decode()


def test_a_viewer_may_look_but_not_hand_in(account, sign_in):
    viewer = sign_in(account, "viewer")
    assert viewer.get("/ui/customers").status_code == 200
    assert viewer.get("/ui/customers/import").status_code == 403
    assert viewer.post("/ui/customers/forget", {"customer": "A1", "again": "A1"}).status_code == 403


def test_forgetting_asks_for_the_id_again(client, account, clock):
    address = hand_in(client)
    client.post(address, {"what": "orders", "do": "import"})
    intake.work(account.id, address.rsplit("/", 1)[-1], clock=clock)
    client.post("/ui/customers/forget", {"customer": "A1", "again": "A2"})
    assert client.get("/ui/customers/person/A1").status_code == 200
    done = client.post("/ui/customers/forget", {"customer": "A1", "again": "A1"})
    assert "Forgotten in the planner" in done.content.decode()
    assert client.get("/ui/customers/person/A1").status_code == 404


def test_a_path_in_the_key_leads_nowhere(client):
    assert client.get("/ui/customers/import/..%2F..").status_code == 404
    assert client.get("/ui/customers/import/..").status_code == 404
