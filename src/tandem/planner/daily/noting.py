"""Notes how far a run of the daily cycle is, step by step, where everybody can see it."""

import threading
import time
from datetime import datetime

from django.db import connection

from tandem.kit.clock import Clock
from tandem.planner.daily.domain import STEPS
from tandem.planner.daily.failures import ModelsWatch
from tandem.planner.daily.models import CycleRun, CycleStep

EVERY = 1.0


class Noting:
    """The watch of one run."""

    def __init__(self, run: CycleRun, clock: Clock) -> None:
        self._run, self._clock, self._models = run, clock, ModelsWatch(run.account_id, clock)
        self._thread, self._noted, self._cpu = threading.get_ident(), 0.0, 0.0
        for place, step in enumerate(STEPS):
            CycleStep.objects.get_or_create(
                account_id=run.account_id, run=run, step=step, defaults={"place": place, "state": "waiting"}
            )
        self.finished = set(
            CycleStep.objects.filter(
                account_id=run.account_id, run=run, state__in=("done", "skipped")
            ).values_list("step", flat=True)
        )

    def begin(self, step: str) -> None:
        """A step begins."""
        self._cpu = time.process_time()
        self._write(step, state="running", share=0.0, words="", started_at=self._now(), finished_at=None)

    def share(self, step: str, share: float, words: str) -> None:
        """Noted at most once a second; a thread that looks at a running query uses its own connection."""
        if time.monotonic() - self._noted < EVERY:
            return
        self._noted = time.monotonic()
        try:
            self._write(step, share=min(max(share, 0.0), 1.0))
        finally:
            if threading.get_ident() != self._thread:
                connection.close()

    def end(self, step: str, *, rows: int, words: str, again: bool, failed: bool = False) -> None:
        """A step is finished; one that an earlier process finished keeps its times, and that it failed."""
        self._models.end(step, rows=rows, words=words, again=again, failed=failed)
        if again:
            rest = CycleStep.objects.filter(account_id=self._run.account_id, run=self._run, step=step)
            rest.filter(finished_at=None).update(finished_at=self._now())
            rest.exclude(state="failed").update(state="done", share=1.0, rows=rows, words=words[:300])
            return
        self._write(
            step, state="failed" if failed else "done", share=1.0, rows=rows, words=words[:300],
            finished_at=self._now(), cpu_seconds=round(time.process_time() - self._cpu, 3),
        )  # fmt: skip

    def skip(self, step: str, words: str) -> None:
        """A step is not needed today."""
        self._write(step, state="skipped", share=1.0, words=words[:300], finished_at=self._now())

    def fail(self, words: str) -> None:
        """Whatever step runs has failed."""
        CycleStep.objects.filter(account_id=self._run.account_id, run=self._run, state="running").update(
            state="failed", words=words[:300], finished_at=self._now()
        )

    def _write(self, step: str, **values: object) -> None:
        CycleStep.objects.filter(account_id=self._run.account_id, run=self._run, step=step).update(**values)
        CycleRun.objects.filter(account_id=self._run.account_id, id=self._run.pk).update(beat_at=self._now())

    def _now(self) -> datetime:
        return self._clock.system()
