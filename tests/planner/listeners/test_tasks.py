from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from tandem.kit.clock import FrozenClock
from tandem.planner.accounts import service as accounts
from tandem.planner.listeners import service, tasks
from tandem.planner.listeners.models import EventOutbox

pytestmark = pytest.mark.django_db(transaction=True)


def jobs():
    names = ProcrastinateJob.objects.filter(queue_name="events", task_name__endswith="deliver_event")
    return list(names.values_list("args", flat=True))


def forget_jobs():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def test_a_due_row_wakes_one_job_however_often_it_is_looked_at():

    forget_jobs()
    clock = FrozenClock(datetime.now(UTC) - timedelta(minutes=1))
    account = accounts.create_account(name="Shop", zone="UTC", clock=clock)
    service.register(account.id, event_type=13, channel_id=505, url="https://host.example/", clock=clock)
    with transaction.atomic():
        service.enqueue_event(account.id, 13, 7, 505, clock=clock)
    [row] = EventOutbox.objects.all()
    assert jobs() == [{"outbox_id": row.pk}]
    forget_jobs()
    tasks.wake_due_events(0)
    tasks.wake_due_events(2)
    assert jobs() == [{"outbox_id": row.pk}]
