"""The page of the daily cycle: what is in force, each step, the last runs; and who may have it run."""

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from tandem.planner.customers import service as customers
from tandem.planner.daily import cycle

pytestmark = pytest.mark.django_db


def test_an_account_without_a_run_is_told_what_will_come(client):
    text = client.get("/ui/cycle").content.decode()
    assert "No run yet" in text and "There is no snapshot yet" in text


def test_the_steps_and_the_runs_are_shown_and_it_can_be_run(client, account, clock, sign_in, tmp_path):
    file = tmp_path / "orders.csv"
    file.write_text("customer,date,amount\nA,2026-06-01,10\nB,2026-06-20,20\n")
    customers.import_orders(account.id, file, clock=clock)
    cycle.run_cycle(account.id, clock=clock)
    text = client.get("/ui/cycle").content.decode()
    assert "Micro-segments and value segments" in text and "is in force" in text and "the schedule" in text
    assert client.post("/ui/cycle/run", {"do": "run"}).status_code == 302
    jobs = ProcrastinateJob.objects.filter(task_name="planner.daily.run_cycle", args__account_id=account.id)
    assert [job.args["account_id"] for job in jobs] == [account.id]
    again = client.post("/ui/cycle/run", {"do": "run"}, follow=True).content.decode()
    assert "asked for already" in again and jobs.count() == 1
    assert sign_in(account, role="viewer").post("/ui/cycle/run", {"do": "run"}).status_code == 403
