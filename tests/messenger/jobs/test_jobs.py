"""Generation jobs: once, exactly the file's rows, restartable at every line."""

from datetime import timedelta

import pytest
from tests.fixtures.sendings import CLOCK, change_contact, create_contacts, create_house, send_until

from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.errors import BadImport, FileTooLarge
from tandem.messenger.contacts.models import Contact, ImportBatch
from tandem.messenger.contacts.service import batches
from tandem.messenger.contacts.tasks import take_up_imports
from tandem.messenger.delivery import ledger
from tandem.messenger.delivery.models import Attempt, Sending
from tandem.messenger.jobs import service
from tandem.messenger.jobs.domain import JobKind, JobState
from tandem.messenger.jobs.errors import BadJob, UnknownJob, UploadedBefore
from tandem.messenger.jobs.models import Job, JobUpload
from tandem.messenger.jobs.service import generate, receive
from tandem.messenger.projects import service as projects

pytestmark = pytest.mark.django_db
FILE = b"email\toriginalid\tlastname\na@people.example\tc1\tAhl\nb@people.example\tc2\tBerg\n"


@pytest.fixture(autouse=True)
def own_home(settings, tmp_path):
    settings.TANDEM_HOME = tmp_path


@pytest.fixture(scope="module")
def kept_house(keep):
    return keep(lambda _: create_house())


@pytest.fixture
def house(kept_house, db, settings, tmp_path):
    return kept_house.take(settings, tmp_path)


def job_of(house, **more):
    return service.create_job(house.account_id, JobKind.TRIGGER, house.email_trigger, clock=CLOCK, **more)


def uploaded(house, job, data=FILE, **more):
    return service.upload(house.account_id, job.id, [data], clock=CLOCK, **more)


def done(house, data=FILE, **more):
    job = job_of(house)
    uploaded(house, job, data, **more)
    assert service.run_waiting(clock=CLOCK) == 1
    return service.get_job(house.account_id, job.id)


def listed(job):
    rows = Attempt.objects.filter(sending_id=job.sending_id).order_by("seq")
    return list(rows.values_list("customer", flat=True))


def warnings(job):
    return [one.said for one in job.entries if one.severity == "SEVERITY_WARNING"]


def words(job):
    return [one.said for one in job.entries if one.severity != "SEVERITY_WARNING"]


def files(settings):
    return list(settings.TANDEM_STORAGE.glob("*/imports/*"))


class TestWhole:
    def test_exactly_the_rows_become_contacts_and_get_one_message_each(self, house, settings):
        create_contacts(house, 5)
        made = job_of(house)
        assert (words(made), made.state) == (["WAITING_FOR_CONTENT"], JobState.WAITING)
        assert words(uploaded(house, made)) == ["WAITING_FOR_CONTENT", "CONTENT_UPLOADED"]
        assert service.run_waiting(clock=CLOCK) == 1
        assert service.run_waiting(clock=CLOCK) == 0
        job = service.get_job(house.account_id, made.id)
        assert words(job) == ["WAITING_FOR_CONTENT", "CONTENT_UPLOADED", "GENERATION_STARTED", "DONE"]
        assert (job.recipients, listed(job), warnings(job), files(settings)) == (2, ["c1", "c2"], [], [])
        one = contacts.get_contact(house.account_id, house.list_id, "c1")
        assert (one.email, one.last_name, one.first_name) == ("a@people.example", "Ahl", "Ann 1")
        view = send_until(house, job.sending_id)
        assert (view.counts, view.kind) == ({"accepted": 2}, "job")

    def test_a_campaign_goes_to_the_list_that_is_named(self, house):
        other = contacts.create_list(house.account_id, name="Other", clock=CLOCK)
        version = projects.get_trigger(house.account_id, house.sms_trigger).active_version_id
        more = {"list_id": other.id, "clock": CLOCK}
        job = service.create_job(house.account_id, JobKind.CAMPAIGN, version, **more)
        uploaded(house, job, b"originalId\tmobile\nx1\t+46701740099\n")
        service.run_waiting(clock=CLOCK)
        job = service.get_job(house.account_id, job.id)
        assert (job.list_id, job.version_id, job.trigger_id) == (other.id, version, house.sms_trigger)
        assert send_until(house, job.sending_id).counts == {"accepted": 1}
        assert contacts.get_contact(house.account_id, other.id, "x1").mobile == "+46701740099"
        assert not Contact.objects.filter(list_id=house.list_id).exists()

    def test_the_version_is_the_one_of_the_job_even_if_another_is_active_now(self, house):
        job = job_of(house)
        source = projects.get_version(house.account_id, job.version_id).source
        projects.add_active_version(house.account_id, house.email_trigger, source, name="Two", clock=CLOCK)
        uploaded(house, job)
        service.run_waiting(clock=CLOCK)
        job = service.get_job(house.account_id, job.id)
        assert send_until(house, job.sending_id).counts == {"accepted": 2}
        assert projects.send_target(house.account_id, house.email_trigger).version_id != job.version_id

    def test_nothing_leaves_before_its_time(self, house):
        at = CLOCK.business() + timedelta(hours=3)
        job = job_of(house, deliver_at=at)
        uploaded(house, job)
        service.run_waiting(clock=CLOCK)
        sending = Sending.objects.get(pk=service.get_job(house.account_id, job.id).sending_id)
        assert (sending.due_at, sending.source_key) == (at, f"job:{job.id}")

    def test_it_never_subscribes_again(self, house):
        create_contacts(house, 2)
        change_contact(house, "c1", unsubscribed=True)
        job = done(house, b"originalId\tunsubscribed\nc1\t0\nc2\t0\n")
        assert contacts.get_contact(house.account_id, house.list_id, "c1").unsubscribed
        assert send_until(house, job.sending_id).counts == {"suppressed": 1, "accepted": 1}


class TestRows:
    @pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
    def test_line_ends(self, house, end):
        create_contacts(house, 2)
        assert listed(done(house, end.join(["originalId\tcity", "c2\tX", "c1\tY"]).encode())) == ["c2", "c1"]

    def test_what_is_wrong_is_said_and_the_others_are_sent_to(self, house):
        create_contacts(house, 2)
        contacts.forget(house.account_id, "gone", clock=CLOCK)
        lines = [
            "originalId\temail\tshoe",
            "c1\ta@people.example\t9",
            "c2\tb@people.example\t9\tx",
            "\te@people.example",
            "all\te@people.example",
            "new\tn@people.example",
            "gone\tg@people.example",
            "c1\tz@people.example",
        ]
        job = done(house, "\n".join(lines).encode())
        assert listed(job) == ["c1", "new"]
        said = warnings(job)
        assert [line for line in said if line.startswith("Line")] == [
            "Line 3 has 4 cells, the header 3; it was left out.",
            "Line 4 has no usable originalId; it was left out.",
            "Line 5 has no usable originalId; it was left out.",
        ]
        assert "Nobody knows the column 'shoe'; it was left out." in said
        assert said[-3:] == [
            "1 originalId(s) were not known in the list; the contacts were made.",
            "1 line(s) name a customer whom another line names; each gets one message.",
            "1 line(s) name a customer who was forgotten; they were left out.",
        ]
        assert contacts.get_contact(house.account_id, house.list_id, "c1").email == "z@people.example"
        assert not any("example" in line for line in said), "addresses are not repeated"

    def test_a_customer_whom_the_list_does_not_know_joins_it_and_is_sent_to_with_a_warning(self, house):
        job = done(house, b"originalId\temail\nnew\tn@people.example\n")
        assert warnings(job) == ["1 originalId(s) were not known in the list; the contacts were made."]
        assert send_until(house, job.sending_id).counts == {"accepted": 1}
        assert contacts.get_contact(house.account_id, house.list_id, "new").email == "n@people.example"

    def test_an_encoding(self, house):
        done(house, "originalId\tcity\nc1\tMalmö".encode("latin-1"), encoding="iso-8859-1")
        assert contacts.get_contact(house.account_id, house.list_id, "c1").city == "Malmö"

    @pytest.mark.parametrize(
        ("data", "why"),
        [
            (b"originalId\n", "names no customer"),
            (b"originalId\n\n\t\n", "names no customer"),
            (b"originalId\nc1\n" + b"x" * 9000 + b"\xff\n", "not in the encoding"),
        ],
    )
    def test_a_file_that_cannot_be_used_sends_nothing(self, house, settings, data, why):
        job = done(house, data)
        assert (job.state, job.entries[-1].said, job.entries[-1].severity) == (
            "error",
            "ERROR",
            "SEVERITY_ERROR",
        )
        assert why in job.entries[-1].detail
        assert (job.sending_id, Sending.objects.count(), files(settings)) == (None, 0, [])
        with pytest.raises(UploadedBefore):
            uploaded(house, job)


class TestRefused:
    @pytest.mark.parametrize(
        "data", [b"", b"email\tlastname\na@people.example\tAhl\n", b"\xff\xfe\n", b"x" * (1 << 21)]
    )
    def test_a_first_line_that_cannot_be_read_leaves_the_job_waiting(self, house, settings, data):
        job = job_of(house)
        with pytest.raises(BadImport):
            uploaded(house, job, data)
        assert (files(settings), ImportBatch.objects.count()) == ([], 0)
        assert uploaded(house, job).state == JobState.UPLOADED

    def test_a_file_that_is_too_large(self, house, settings, monkeypatch):
        monkeypatch.setattr(receive, "LARGEST_FILE", 20)
        job = job_of(house)
        with pytest.raises(FileTooLarge):
            uploaded(house, job)
        assert (files(settings), service.get_job(house.account_id, job.id).state) == ([], JobState.WAITING)

    def test_a_second_upload(self, house, settings):
        job = job_of(house)
        uploaded(house, job)
        with pytest.raises(UploadedBefore):
            uploaded(house, job, b"originalId\nc9\n")
        service.run_waiting(clock=CLOCK)
        with pytest.raises(UploadedBefore):
            uploaded(house, job, b"originalId\nc9\n")
        assert listed(service.get_job(house.account_id, job.id)) == ["c1", "c2"]

    def test_two_uploads_at_the_same_time_are_decided_by_the_database(self, house, settings):
        job = job_of(house)
        uploaded(house, job)
        Job.objects.filter(pk=job.id).update(state=JobState.WAITING)  # as the other one saw it
        with pytest.raises(UploadedBefore):
            uploaded(house, job, b"originalId\nc9\n")
        assert (len(files(settings)), ImportBatch.objects.count(), JobUpload.objects.count()) == (1, 1, 1)

    def test_jobs_that_cannot_be_made(self, house):
        version = projects.get_trigger(house.account_id, house.email_trigger).active_version_id
        draft = projects.save_draft(
            house.account_id,
            house.email_trigger,
            projects.get_version(house.account_id, version).source,
            clock=CLOCK,
        )
        tests = contacts.create_list(house.account_id, name="Tests", type_id=2, clock=CLOCK)
        now = CLOCK.business()
        for kind, named, more in (
            (JobKind.CAMPAIGN, version, {}),
            (JobKind.CAMPAIGN, draft.id, {"list_id": house.list_id}),
            (JobKind.CAMPAIGN, version, {"list_id": tests.id}),
            (JobKind.TRIGGER, house.email_trigger, {"deliver_at": now - timedelta(hours=2)}),
            (JobKind.TRIGGER, house.email_trigger, {"deliver_at": now + timedelta(days=400)}),
        ):
            with pytest.raises(BadJob):
                service.create_job(house.account_id, kind, named, clock=CLOCK, **more)
        assert not Job.objects.exists()

    def test_a_job_of_another_account(self, house):
        other = create_house("Southwind")
        job = job_of(other)
        for call in (
            lambda: service.get_job(house.account_id, job.id),
            lambda: uploaded(house, job),
        ):
            with pytest.raises(UnknownJob):
                call()


class Crash(BaseException):
    pass


def crash_at(monkeypatch, step):
    def fall(name):
        if name == step:
            raise Crash

    for module in (receive, generate, batches, ledger):
        monkeypatch.setattr(module, "failpoint", fall)


class TestKilled:
    @pytest.mark.parametrize(
        "step",
        [
            "jobs.uploaded",
            "contacts.imported",
            "jobs.imported",
            "jobs.read",
            "m6",
            "jobs.generated",
            "jobs.committed",
        ],
    )
    def test_at_any_step_after_the_upload_it_goes_on_and_sends_once(self, house, settings, monkeypatch, step):
        create_contacts(house, 3)
        job = job_of(house)
        with monkeypatch.context() as patched:
            crash_at(patched, step)
            with pytest.raises(Crash):
                uploaded(house, job)
                service.run_waiting(clock=CLOCK)
        assert Sending.objects.count() == (step == "jobs.committed")
        with pytest.raises(UploadedBefore):
            uploaded(house, job)
        take_up_imports(0)
        service.run_waiting(clock=CLOCK)
        service.run_waiting(clock=CLOCK)
        after = service.get_job(house.account_id, job.id)
        assert (after.state, listed(after), files(settings)) == (JobState.DONE, ["c1", "c2"], [])
        assert words(after) == ["WAITING_FOR_CONTENT", "CONTENT_UPLOADED", "GENERATION_STARTED", "DONE"]
        assert (Sending.objects.count(), Attempt.objects.count()) == (1, 2)

    def test_before_the_upload_counts_the_job_waits_for_it_again(self, house, settings, monkeypatch):
        job = job_of(house)
        with monkeypatch.context() as patched:
            crash_at(patched, "jobs.stored")
            with pytest.raises(Crash):
                uploaded(house, job)
        assert service.run_waiting(clock=CLOCK) == 0
        assert uploaded(house, job).state == JobState.UPLOADED

    def test_a_file_left_by_a_killed_upload_is_swept_after_a_day(self, house, settings):
        folder = settings.TANDEM_STORAGE / str(house.account_id) / "imports"
        folder.mkdir(parents=True)
        left = folder / "bd48b5cc-b118-4062-8d06-09efa765592b.csv"
        left.write_text("originalId\nc1\n")
        job = job_of(house)
        uploaded(house, job)
        assert batches.sweep_files(clock=CLOCK) == 0

        class Tomorrow:
            def system(self):
                return CLOCK.system() + timedelta(days=2)

        assert batches.sweep_files(clock=Tomorrow()) == 1
        assert (left.exists(), len(files(settings))) == (False, 1)


def test_one_that_stops_does_not_hold_up_the_others(house, monkeypatch, caplog):
    create_contacts(house, 2)
    stuck, other = job_of(house), job_of(house)
    uploaded(house, stuck)
    uploaded(house, other)
    real = generate._generate

    def fail(job, *more):
        if job.pk == stuck.id:
            raise RuntimeError("broken")
        return real(job, *more)

    with monkeypatch.context() as patched:
        patched.setattr(generate, "_generate", fail)
        service.run_waiting(clock=CLOCK)
    states = [service.get_job(house.account_id, one.id).state for one in (stuck, other)]
    assert (states, "broken" in caplog.text) == ([JobState.UPLOADED, JobState.DONE], True)
    service.run_waiting(clock=CLOCK)
    assert service.get_job(house.account_id, stuck.id).state == JobState.DONE
