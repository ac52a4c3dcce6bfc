"""The process of a job is killed (SIGKILL, real commits) at each step; the next one goes on and sends once."""

import os
import signal
import subprocess
import sys
from urllib.parse import quote

import pytest
from django.db import connection
from tests.fixtures.sendings import CLOCK, create_contacts, create_house

from tandem.messenger.delivery.models import Attempt, Sending
from tandem.messenger.jobs import service
from tandem.messenger.jobs.domain import JobKind, JobState
from tandem.messenger.jobs.errors import UploadedBefore

pytestmark = pytest.mark.django_db(transaction=True)
PROGRAM = """
import sys, django
django.setup()
from tandem.kit import clock
from tandem.messenger.jobs import service
account, job, verb = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if verb == "upload":
    service.upload(account, job, [sys.argv[4].encode()], defer=False, clock=clock.from_environment())
else:
    service.run_waiting(clock=clock.from_environment())
"""
FILE = "email\toriginalid\na@people.example\tc1\nb@people.example\tc2\n"
ONCE = ["c1", "c2"]


@pytest.fixture
def house(settings, tmp_path):
    settings.TANDEM_STORAGE = tmp_path / "messenger"
    made = create_house()
    create_contacts(made, 3)
    return made


def killed(home, house, job, verb, step):
    """Run one verb in a process that is killed at the step."""
    place = connection.settings_dict
    address = f"postgresql://{quote(place['USER'])}:{quote(place['PASSWORD'] or '')}@/{place['NAME']}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")},
        "DJANGO_SETTINGS_MODULE": "tandem.site.settings.messenger",
        "TANDEM_HOME": str(home),
        "TANDEM_MESSENGER_DATABASE_URL": f"{address}?host={quote(place['HOST'], safe='')}&port={place['PORT']}",
        "TANDEM_TEST_BUILD": "1",
        "TANDEM_FAILPOINT": f"{step}:1:kill",
    }
    words = [sys.executable, "-c", PROGRAM, str(house.account_id), str(job.id), verb, FILE]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL, f"{step} was not reached: {done.stderr}"


def files(home):
    return list((home / "messenger").glob("*/imports/*"))


def test_at_each_step_after_the_upload(house, tmp_path):
    for step in ("contacts.imported", "jobs.imported", "jobs.read", "m6", "jobs.generated", "jobs.committed"):
        job = service.create_job(house.account_id, JobKind.TRIGGER, house.email_trigger, clock=CLOCK)
        service.upload(house.account_id, job.id, [FILE.encode()], defer=False, clock=CLOCK)
        killed(tmp_path, house, job, "run", step)
        written = Sending.objects.filter(source_key=f"job:{job.id}")
        assert written.exists() is (step == "jobs.committed"), step
        assert service.run_waiting(clock=CLOCK) == 1
        assert service.run_waiting(clock=CLOCK) == 0
        after = service.get_job(house.account_id, job.id)
        rows = (
            Attempt.objects.filter(sending_id=written.get().pk)
            .order_by("seq")
            .values_list("customer", flat=True)
        )
        assert (after.state, list(rows), files(tmp_path)) == (JobState.DONE, ONCE, []), step


def test_in_the_upload(house, tmp_path):
    job = service.create_job(house.account_id, JobKind.TRIGGER, house.email_trigger, clock=CLOCK)
    killed(tmp_path, house, job, "upload", "jobs.stored")
    assert service.get_job(house.account_id, job.id).state == JobState.WAITING, (
        "nothing was answered, nothing counts"
    )
    killed(tmp_path, house, job, "upload", "jobs.uploaded")
    with pytest.raises(UploadedBefore):
        service.upload(house.account_id, job.id, [FILE.encode()], defer=False, clock=CLOCK)
    service.run_waiting(clock=CLOCK)
    assert list(Attempt.objects.order_by("seq").values_list("customer", flat=True)) == ONCE
    assert len(files(tmp_path)) == 1, "what the first left is swept after a day"
