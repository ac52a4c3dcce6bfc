"""When an alarm is told, in what words, by which path; the runbook's pages."""

import mailbox
from datetime import UTC, datetime, timedelta

import pytest
from tests.fixtures.hooks import receiver

from tandem.kit import webhooks
from tandem.kit.alarms import paths, runbook
from tandem.kit.alarms.domain import (
    AGAIN,
    CALM,
    EVERY,
    Kind,
    Known,
    Step,
    What,
    step,
    wait_after,
    without_private,
)
from tandem.kit.alarms.messages import Told
from tandem.kit.alarms.paths import Means, NotTold, Way
from tandem.kit.alarms.running import Outage
from tandem.kit.alarms.telling import Half
from tandem.kit.problems import Refused
from tandem.kit.secrets import Vault
from tandem.simulators.relay import Relay
from tandem.simulators.relay_script import Rule, Script

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
HEADINGS = ["What a recipient may have noticed", "What to look at", "How to mend it", "How to prevent it"]
TOLD = Told(
    id="alarm_messenger_7", half="messenger", what=What.RAISED, kind=Kind.LATENESS, account="Alder",
    subject="sending 12", detail="Messages should have left 31 minutes ago.", since=NOW, at=NOW,
    base_url="https://messenger.example",
)  # fmt: skip
SMTP = {
    "TANDEM_PROVIDER": "smtp", "TANDEM_PROVIDER_LOCK": "0", "TANDEM_SMTP_HOST": "127.0.0.1",
    "TANDEM_SMTP_STARTTLS": "0", "TANDEM_SMTP_USER": "", "TANDEM_SMTP_PASSWORD_FILE": "",
    "TANDEM_SMTP_NAME": "host.example",
}  # fmt: skip


def course(kind, seen_at):
    """What follows, look by look, of something that is seen at those seconds."""
    known, told = None, []
    for second in range(0, 200, int(EVERY.total_seconds())):
        now, seen = NOW + timedelta(seconds=second), second in seen_at
        follows = step(known, seen=seen, now=now)
        if known is None and seen:
            known = Known(kind=kind, since=now, seen_at=now)
            follows = step(known, seen=True, now=now)
        if follows in (Step.FORGET, Step.END):
            known = None
        elif known and seen:
            told_at = now if follows is Step.RAISE else known.told_at
            known = Known(kind=kind, since=known.since, seen_at=now, told_at=told_at)
        if follows in (Step.RAISE, Step.AGAIN, Step.END, Step.FORGET):
            told.append((second, follows))
    return told


def test_it_is_told_at_once_and_once_and_when_it_ends():
    assert course(Kind.UNCERTAIN, range(20, 100, 10)) == [(20, Step.RAISE), (150, Step.END)]


def test_what_comes_and_goes_is_told_once():
    assert course(Kind.UNCERTAIN, {10, 30, 50, 70, 110}) == [(10, Step.RAISE), (170, Step.END)]


@pytest.mark.parametrize("kind", list(Kind))
def test_every_alarm_is_told_within_a_minute(kind):
    [(second, follows), *_] = course(kind, range(0, 200, 10))
    assert follows is Step.RAISE and second + EVERY.total_seconds() < 60


def test_a_restart_of_the_worker_is_no_alarm():
    assert course(Kind.WORKER, {10, 20}) == [(30, Step.FORGET)]


def test_while_it_lasts_it_is_told_daily_unless_silenced():
    long = Known(kind=Kind.DISK, since=NOW, seen_at=NOW, told_at=NOW)
    quiet = Known(kind=Kind.DISK, since=NOW, seen_at=NOW, told_at=NOW, silenced=True)
    moments = [NOW + AGAIN - EVERY, NOW + AGAIN]
    assert [step(long, seen=True, now=at) for at in moments] == [Step.NOTE, Step.AGAIN]
    assert [step(quiet, seen=True, now=at) for at in moments] == [Step.NOTE, Step.NOTE]
    assert step(quiet, seen=False, now=NOW + CALM) is Step.END


def test_waits_grow_and_the_last_one_repeats():
    waits = [wait_after(n) for n in range(1, 12)]
    assert waits == sorted(waits) and waits[0].seconds == 5 and waits[-1] == waits[-2]


def test_no_address_no_link_no_number_of_a_person_is_told():
    said = without_private(
        "to ann@shop.example,\r\n<b@c.example> +46 70 174 0099 at https://x.example/listener/s3cret ok"
    )
    assert said == "to (left out),  <(left out)> (left out) at (left out) ok"


def test_every_alarm_has_its_page_and_every_page_its_alarm():
    assert {file.stem for file in runbook.FOLDER.glob("*.md")} == set(Kind)
    for kind in Kind:
        title, blocks = runbook.page(kind)
        headings = [block.lines[0][0][0] for block in blocks if block.kind == "heading"]
        assert title == kind.words and any(block.kind == "code" for block in blocks)
        assert headings == HEADINGS
    with pytest.raises(runbook.NoPage):
        runbook.page("../secrets")


def means(tmp_path, **changed):
    return Means(setting={**SMTP, **changed}, outbox=tmp_path / "out" / "box", sender="tandem@host.example",
                 allow_private=changed.pop("allow", ()))  # fmt: skip


def test_the_webhook_is_signed_and_leads_to_the_runbook(tmp_path):
    secret = webhooks.new_secret()
    with receiver() as hook:
        paths.tell(
            Way(path="webhook", target=hook.url(), secret=secret), TOLD, means(tmp_path, allow=(hook.pair,))
        )
    [got] = hook.got
    assert webhooks.verify(
        secret, message_id=got.headers["webhook-id"], stamp=got.headers["webhook-timestamp"],
        signatures=got.headers["webhook-signature"], body=got.body, now=NOW,
    )  # fmt: skip
    assert got.json["type"] == "alarm.raised" and got.json["data"]["account"] == "Alder"
    assert got.json["data"]["runbook"] == "https://messenger.example/ui/runbook/lateness"


def test_a_webhook_in_a_private_range_is_not_called(tmp_path):
    with receiver() as hook, pytest.raises(Refused):
        paths.tell(
            Way(path="webhook", target=hook.url(), secret=webhooks.new_secret()), TOLD, means(tmp_path)
        )
    assert hook.got == []


def test_mail_goes_over_the_relay_of_the_settings(tmp_path):
    with Relay(log=tmp_path / "truth.jsonl", maildir=tmp_path / "arrived") as relay:
        mine = means(tmp_path, TANDEM_SMTP_PORT=str(relay.port))
        paths.tell(Way(path="mail", target="ops@shop.example"), TOLD, mine)
        relay.rules(Rule(at="rcpt", reply="550 5.1.1 no such user ops@shop.example"))
        with pytest.raises(NotTold) as refused:
            paths.tell(Way(path="mail", target="ops@shop.example"), TOLD, mine)
    assert refused.value.detail == f"The relay 127.0.0.1:{relay.port} refused the recipient (550)."
    [fact] = relay.facts()
    assert fact["to"] == "ops@shop.example"
    with pytest.raises(NotTold):
        paths.tell(Way(path="mail", target="ops@shop.example"), TOLD, mine)  # nobody is there any more


def test_a_relay_without_starttls_gets_nothing(tmp_path):
    with Relay(log=tmp_path / "truth.jsonl", script=Script(starttls=False)) as relay:
        mine = means(tmp_path, TANDEM_SMTP_PORT=str(relay.port), TANDEM_SMTP_STARTTLS="1")
        with pytest.raises(NotTold):
            paths.tell(Way(path="mail", target="ops@shop.example"), TOLD, mine)
        assert relay.facts() == []


@pytest.mark.parametrize("setting", [{"TANDEM_PROVIDER": "file"}, {"TANDEM_PROVIDER_LOCK": "1"}])
def test_where_mail_is_written_alarms_are_too(tmp_path, setting):
    paths.tell(Way(path="mail", target="ops@shop.example"), TOLD, means(tmp_path, **setting))
    [mail] = mailbox.Maildir(tmp_path / "out" / "box")
    assert mail["Subject"] == "[Tandem messenger] Alarm: Messages are late (Alder)"
    assert "https://messenger.example/ui/runbook/lateness" in mail.get_payload(decode=True).decode()
    assert "docs/runbook/lateness.md" in mail.get_payload(decode=True).decode()


@pytest.mark.parametrize("address", ["ops", "a@b@c.example", "a@shop.example\r\nBcc: x@y.example", ""])
def test_what_is_no_mail_address_is_refused(address):
    with pytest.raises(Refused):
        paths.check_mail(address)


def test_a_database_that_is_away_is_told_without_it(tmp_path):
    with receiver() as hook:
        half = Half(
            name="planner", base_url="http://p.example", vault=Vault(b"k" * 32), name_of=str, record=None,
            own=[Way(path="webhook", target=hook.url(), secret=webhooks.new_secret())],
            means=means(tmp_path, allow=(hook.pair,)),
        )  # fmt: skip
        outage = Outage(lambda: half)
        for second in (0, 10, 20, 30):
            outage.failed(NOW + timedelta(seconds=second))
        outage.answered(NOW + timedelta(seconds=40))
        outage.answered(NOW + timedelta(seconds=50))
    assert [got.json["type"] for got in hook.got] == ["alarm.raised", "alarm.ended"]
    assert hook.got[0].json["data"]["kind"] == "database"
