"""Pages and commands of generation jobs and exports: what they show, how a result is fetched, whose they are."""

import http.server
import json
import threading

import pytest
from django.test import Client
from tests.fixtures.sendings import CLOCK, create_contacts, create_house, create_sending, send_until
from tests.messenger.web.test_pages import signed_in
from typer.testing import CliRunner

from tandem.messenger.cli import exports as exports_command
from tandem.messenger.cli import jobs as jobs_command
from tandem.messenger.exports import service as exports
from tandem.messenger.jobs import service as jobs
from tandem.messenger.jobs.domain import JobKind

pytestmark = pytest.mark.django_db
FILE = b"originalId\temail\nc1\ta@people.example\nc1\ta@people.example\nnew\tn@people.example\n"


@pytest.fixture(scope="module")
def kept_houses(keep):
    return keep(lambda _: [create_house(name) for name in ("Northwind", "Southwind")])


@pytest.fixture
def houses(kept_houses, db, settings, tmp_path):
    return kept_houses.take(settings, tmp_path)


@pytest.fixture
def house(houses):
    return houses[0]


@pytest.fixture
def client(house):
    return signed_in(house, "viewer")


@pytest.fixture
def stranger(houses):
    return signed_in(houses[1])


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


class TestJobs:
    @pytest.fixture
    def job(self, house):
        create_contacts(house, 3)
        return jobs.create_job(house.account_id, JobKind.TRIGGER, house.email_trigger, clock=CLOCK)

    def uploaded(self, house, job):
        return jobs.upload(house.account_id, job.id, [FILE], clock=CLOCK)

    def test_a_job_from_waiting_to_its_sending(self, house, client, job):
        path = f"/ui/jobs/{job.id}"
        waiting = page(client, path)
        assert "It waits for its recipients." in waiting
        assert "/ui/sendings/" not in waiting.partition("<main")[2].replace('href="/ui/sendings"', "")
        self.uploaded(house, job)
        live = client.get(path, headers={"HX-Request": "true"}).content.decode()
        assert "<h1" not in live
        assert "Rows read" in live
        assert "every 3s" in live
        jobs.run_waiting(clock=CLOCK)
        done = jobs.get_job(house.account_id, job.id)
        send_until(house, done.sending_id)
        text = page(client, path)
        assert f'href="/ui/sendings/{done.sending_id}"' in text
        assert "2 accepted" in text
        assert "1 line(s) name a customer whom another line names" in text
        assert "1 originalId(s) were not known in the list; the contacts were made." in text
        assert "every 3s" not in text
        listed = page(client, "/ui/jobs")
        assert f'href="{path}"' in listed
        assert page(client, "/ui/sendings").count('href="/ui/jobs"') == 1

    def test_an_account_without_a_job_is_told_what_makes_one(self, stranger, job):
        text = page(stranger, "/ui/jobs")
        assert "The first job appears here" in text
        assert 'href="/ui/settings/api-users"' in text

    def test_another_account_and_nobody_see_no_job(self, stranger, job):
        assert stranger.get(f"/ui/jobs/{job.id}").status_code == 404
        assert Client().get(f"/ui/jobs/{job.id}").status_code == 302
        assert f"/ui/jobs/{job.id}" not in page(stranger, "/ui/jobs")

    def test_the_commands_tell_the_same(self, house, job):
        self.uploaded(house, job)
        account = ["--account", str(house.account_id)]
        shown = CliRunner().invoke(jobs_command.app, ["show", str(job.id), *account, "--json"])
        assert json.loads(shown.output)["progress"] == {"read": 0, "rows": 0}
        jobs.run_waiting(clock=CLOCK)
        [listed] = json.loads(CliRunner().invoke(jobs_command.app, ["list", *account, "--json"]).output)
        assert (listed["id"], listed["state"], listed["recipients"]) == (job.id, "done", 2)
        words = CliRunner().invoke(jobs_command.app, ["show", str(job.id), *account]).output
        assert "2 recipients, sending" in words
        assert "SEVERITY_WARNING" in words


class TestExports:
    @pytest.fixture
    def sent(self, house):
        send_until(house, create_sending(house, create_contacts(house, 3)))

    def test_one_is_made_counted_and_downloaded(self, house, client, sent):
        assert "The first export appears here" in page(client, "/ui/exports")
        answer = client.post("/ui/exports", {"kind": "SENT", "period": "LAST_DAY"})
        assert answer.status_code == 302
        [made] = exports.list_exports(house.account_id)
        assert "every 2s" in page(client, "/ui/exports")
        assert client.get(f"/ui/exports/{made.id}/download").status_code == 409
        exports.run_waiting(clock=CLOCK)
        live = client.get("/ui/exports", headers={"HX-Request": "true"}).content.decode()
        assert f'href="/ui/exports/{made.id}/download"' in live
        assert "every 2s" not in live
        link = client.get(f"/ui/exports/{made.id}/download")["Location"]
        result = Client().get(link[link.index("/results/") :])
        assert len(json.loads(b"".join(result.streaming_content))) == 3

    def test_a_kind_that_is_none_is_refused(self, house, client):
        answer = client.post("/ui/exports", {"kind": "EVERYTHING", "period": "LAST_DAY"})
        assert answer.status_code == 422
        assert exports.list_exports(house.account_id) == ()

    def test_another_account_neither_sees_nor_downloads_it(self, house, stranger, client):
        made = exports.start_export(house.account_id, "LISTS", "TODAY", clock=CLOCK)
        exports.run_waiting(clock=CLOCK)
        assert stranger.get(f"/ui/exports/{made.id}/download").status_code == 404
        assert f"exports/{made.id}" not in page(stranger, "/ui/exports")

    def test_the_commands_make_one_and_fetch_it_from_the_messenger(self, house, sent, settings, tmp_path):
        account = ["--account", str(house.account_id)]
        made = CliRunner().invoke(exports_command.app, ["make", "sent", *account, "--json"])
        number = json.loads(made.output)["id"]
        asked, answers = [], [200, 403]

        class Result(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(answers.pop(0))
                self.end_headers()
                self.wfile.write(b'[{"messageType":"SENT"}]')

            def log_message(self, *_):
                pass

        files = [tmp_path / name for name in ("sent.json", "again.json")]
        with http.server.HTTPServer(("127.0.0.1", 0), Result) as server:
            settings.TANDEM_PUBLIC_URL = f"http://127.0.0.1:{server.server_port}"
            told = (
                CliRunner().invoke(exports_command.app, ["download", str(number), "--link", *account]).output
            )
            serving = threading.Thread(target=lambda: [server.handle_request() for _ in files])
            serving.start()
            codes = [
                CliRunner()
                .invoke(exports_command.app, ["download", str(number), "--to", str(file), *account])
                .exit_code
                for file in files
            ]
            serving.join()
        base, _, rest = told.strip().partition("/results/")
        assert (base, codes) == (settings.TANDEM_PUBLIC_URL, [0, 5])
        assert asked[0].partition("?")[0] == f"/results/{rest.partition('?')[0]}"
        assert len(json.loads(b"".join(Client().get(f"/results/{rest}").streaming_content))) == 3
        assert sorted(tmp_path.glob("*.json*")) == [files[0]]
