"""What the alarms' benchmark makes happen: in each half causes of its own, each round anew."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

CHANNEL = 504
#: stands for a full disk: while it is there, the watch is told that so many bytes are free
FULL = "disk-is-full"
#: the watch as `tandem run-alarms` runs it; of the disk it hears what the file says
WATCH = f"""
import os, shutil, types
from pathlib import Path
real = shutil.disk_usage
def disk_usage(path):
    file = Path(os.environ["TANDEM_HOME"]) / "{FULL}"
    return types.SimpleNamespace(free=int(file.read_text())) if file.exists() else real(path)
shutil.disk_usage = disk_usage
from tandem.site.services import run_alarms
run_alarms(os.environ["ALARMS_OF"])
"""


class Maker(Protocol):
    """Makes causes."""

    kinds: tuple[str, ...]

    def __call__(self, kind: str) -> str:
        """One more; the alarm's subject."""
        ...


class OfMessenger:
    """A sending of its own for each."""

    kinds = ("lateness", "uncertain", "identity", "paused")

    def __init__(self, account_id: int) -> None:
        self._account, self._made = account_id, 0

    def __call__(self, kind: str) -> str:
        """One more; the alarm's subject."""
        from tandem.messenger.delivery.models import Block, Sending
        from tandem.messenger.record.models import Check

        now, self._made = _now(), self._made + 1
        values: dict[str, Any] = {"state": "sending", "started_at": now}
        if kind == "uncertain":
            values |= {"state": "finished", "finished_at": now, "totals": [{"state": 12, "rows": 1}]}
        elif kind == "paused":
            values |= {"state": "paused", "paused_because": "Too much came back."}
        sending = Sending.objects.create(
            account_id=self._account, source_key=f"bench:{self._made}", channel="email", due_at=now,
            cut_off=timedelta(hours=1), expected=1, created_at=now, **values,
        )  # fmt: skip
        if kind == "lateness":
            Block.objects.create(
                account_id=self._account,
                sending=sending,
                first_seq=1,
                last_seq=1,
                next_at=now - timedelta(minutes=30),
            )
        elif kind == "identity":
            Check.objects.create(
                account_id=self._account, sending_id=sending.pk, at=now, breaches=["One row too few."]
            )
        return f"sending {sending.pk}"


class OfPlanner:
    """An occurrence that nobody prepares, a listener that fails, a part of the day that failed, a full disk."""

    kinds = ("occurrence", "listener", "cycle", "disk")

    def __init__(self, account_id: int) -> None:
        self._account, self._made = account_id, 0
        self._campaign = _campaign(account_id)

    def __call__(self, kind: str) -> str:
        """One more; the alarm's subject. The disk is one, and full from the first round on."""
        self._made += 1
        return {
            "occurrence": self._occurrence, "listener": self._listener, "cycle": self._cycle, "disk": _fill_disk,
        }[kind]()  # fmt: skip

    def _occurrence(self) -> str:
        """Its time to be prepared was as long ago as is just too long."""
        from tandem.planner.alarms.watching import STUCK
        from tandem.planner.campaigns.models import Occurrence

        lock = _now() - STUCK
        made = Occurrence.objects.create(
            account_id=self._account, campaign=self._campaign, day=lock.date() + timedelta(days=self._made),
            channel_id=CHANNEL, state="scheduled", lock_at=lock, send_at=lock + timedelta(hours=1),
            late_at=lock + timedelta(hours=2), draw_key="0",
        )  # fmt: skip
        return f"campaign {made.pk}"

    def _listener(self) -> str:
        from tandem.planner.listeners.models import Registration

        now = _now()
        made = Registration.objects.create(
            account_id=self._account, event_type=13, channel_id=self._made, url="https://messenger.example/",
            secret="", registered_at=now, failing_since=now, last_answer="500",
        )  # fmt: skip
        return f"listener {made.pk}"

    def _cycle(self) -> str:
        from tandem.planner.daily.models import CycleFailure

        part = f"snapshot {self._made}"
        CycleFailure.objects.create(account_id=self._account, part=part, since=_now(), words="It failed.")
        return part


def _campaign(account_id: int) -> Any:
    from tandem.planner.campaigns.models import Action, Campaign
    from tandem.planner.channels.models import Channel, ChannelAccount, ProjectCopy
    from tandem.planner.targeting.models import TargetGroup

    now = _now()
    group = TargetGroup.objects.create(
        account_id=account_id, name="All", condition={}, text="", priority=1, changed_at=now
    )
    channel = ChannelAccount.objects.create(
        account_id=account_id, name="Messenger", api_url="https://messenger.example/rest", customer_id="1"
    )
    Channel.objects.create(account_id=account_id, channel_account=channel, channel_id=CHANNEL, kind="email")
    ProjectCopy.objects.create(
        account_id=account_id, channel_account=channel, project_id=1, name="Letters", read_at=now
    )
    action = Action.objects.create(account_id=account_id, number=2, name="Mail")
    return Campaign.objects.create(
        account_id=account_id, name="Bench", group=group, channel_account=channel, kind="once", project_id=1,
        time="10:00", zone="UTC", control_percent=0, lead_seconds=60, late_minutes=60, action=action,
        created_at=now, changed_at=now,
    )  # fmt: skip


def _fill_disk() -> str:
    (Path(os.environ["TANDEM_HOME"]) / FULL).write_text("1000")
    return "home"


@contextmanager
def causes(half: str) -> Iterator[Maker]:
    """Those of one half, in an account of their own; nothing of them stays."""
    try:
        with _of_planner() if half == "planner" else _of_messenger() as maker:
            yield maker
    finally:
        (Path(os.environ["TANDEM_HOME"]) / FULL).unlink(missing_ok=True)


@contextmanager
def _of_messenger() -> Iterator[Maker]:
    from tandem.messenger.accounts import service as accounts
    from tandem.messenger.alarms.models import Alarm
    from tandem.messenger.delivery.models import Block, Sending
    from tandem.messenger.record.models import Check

    account = accounts.create_account(name=f"Bench alarms {time.time_ns()}", zone="Europe/Stockholm").id
    try:
        yield OfMessenger(account)
    finally:
        for table in (Alarm, Check, Block, Sending):
            table.objects.filter(account_id=account).delete()


@contextmanager
def _of_planner() -> Iterator[Maker]:
    from tandem.kit.clock import OffsetClock
    from tandem.planner.accounts import service as accounts
    from tandem.planner.alarms.models import Alarm
    from tandem.planner.campaigns.models import Campaign
    from tandem.planner.daily.models import CycleFailure
    from tandem.planner.listeners.models import Registration

    account = accounts.create_account(
        name=f"Bench alarms {time.time_ns()}", zone="Europe/Stockholm", clock=OffsetClock()
    ).id
    Alarm.objects.filter(kind="disk").delete()
    try:
        yield OfPlanner(account)
    finally:
        Alarm.objects.filter(kind="disk").delete()
        for table in (Alarm, CycleFailure, Registration, Campaign):
            table.objects.filter(account_id=account).delete()


def _now() -> Any:
    from tandem.kit.clock import OffsetClock

    return OffsetClock().system()
