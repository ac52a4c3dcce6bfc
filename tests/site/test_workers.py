"""What takes long keeps nothing waiting that must not wait."""

import asyncio
import threading

import pytest
from procrastinate import App
from procrastinate.testing import InMemoryConnector

from tandem.site import services
from tandem.site.services import LONG_SLOTS, SLOTS, children_of, work

#: of the planner's jobs these may take minutes
LONG = {
    "planner.daily_tick", "planner.consent_tick", "planner.daily.run_cycle", "planner.modelling.take_in",
    "planner.discovery.search",
}  # fmt: skip


@pytest.fixture
def app(monkeypatch):
    async def nothing(app):
        """The connector in memory has no workers to revive."""

    monkeypatch.setattr(services, "_revive_stalled", nothing)
    return App(connector=InMemoryConnector())


def test_ticks_run_while_more_long_jobs_than_there_are_slots_stand_still(app):
    go_on, ticked, late = threading.Event(), threading.Event(), []

    @app.task(queue="planner.long")
    def day():
        go_on.wait(10)

    @app.task(queue="planner")
    def tick():
        ticked.set()

    @app.task(queue="events")
    def event():
        late.append(ticked.is_set())

    async def both():
        for _ in range(SLOTS + LONG_SLOTS["planner"]):
            await day.defer_async()
        lanes = [asyncio.create_task(lane(long)) for long in (True, False)]
        await asyncio.sleep(0.1)
        await tick.defer_async()
        await event.defer_async()
        done = await asyncio.to_thread(ticked.wait, 3)
        standing = len([job for job in app.connector.jobs.values() if job["status"] == "doing"])
        go_on.set()
        for one in lanes:
            one.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        return done, standing

    async def lane(long):
        await work(app, "planner", long=long)

    async def opened():
        async with app.open_async():
            return await both()

    done, standing = asyncio.run(opened())
    assert done and standing >= LONG_SLOTS["planner"]


def test_which_jobs_take_long():
    from procrastinate.contrib.django import app

    queues = {name: task.queue for name, task in app.tasks.items() if name.startswith("planner.")}
    assert {name for name, queue in queues.items() if queue == "planner.long"} == LONG
    assert "planner.campaign_tick" in queues


@pytest.mark.parametrize("half", ["planner", "messenger"])
def test_each_half_has_a_process_for_them(half):
    commands = [child.arguments[2:] for child in children_of(f"worker-{half}")]
    assert ("tandem", "run-worker", half) in commands and ("tandem", "run-worker", half, "--long") in commands
