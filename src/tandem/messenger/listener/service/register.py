"""The secret address of an account, and telling the planner about it."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from tandem.clients.planner import PlannerClient, PlannerKnowsNot
from tandem.kit import secrets
from tandem.kit.clock import Clock
from tandem.kit.problems import Problem
from tandem.messenger.listener.domain import (
    EVENT_CAMPAIGN_CANCELLED,
    EVENT_CAMPAIGN_EXECUTED,
    EVENT_CUSTOMER_TRIGGERED,
    CheckStep,
    Hears,
    RegistrationView,
)
from tandem.messenger.listener.errors import ConnectionWrong
from tandem.messenger.listener.models import ChannelBinding, ListenerUrl, PlannerConnection
from tandem.messenger.listener.service.connect import client_of, connection_row

#: events beside 13, and what lacks without them
_BESIDE = {
    EVENT_CUSTOMER_TRIGGERED: "Real-time campaigns are not announced here.",
    EVENT_CAMPAIGN_CANCELLED: "That a campaign is cancelled is not announced here, but found out by asking.",
}


def listener_url(account_id: int, *, clock: Clock) -> str:
    """The account's address in use; made on the first call."""
    row = ListenerUrl.objects.filter(account_id=account_id, valid_until__isnull=True).first()
    if row is None:
        try:
            with transaction.atomic():
                row = _new_url(account_id, clock)
        except IntegrityError:  # made by another process a moment ago
            row = ListenerUrl.objects.get(account_id=account_id, valid_until__isnull=True)
    return address_of(row)


def address_of(row: ListenerUrl) -> str:
    """The full address behind a stored secret."""
    secret = settings.TANDEM_VAULT.open(row.secret_sealed, f"{row.account_id}:listener url")
    return f"{settings.TANDEM_PUBLIC_URL}/listener/{secret}"


def register(account_id: int, *, clock: Clock) -> list[RegistrationView]:
    """Tell the planner, for each channel of the account, where campaigns are announced.

    A channel that fails carries its problem; the others are registered all the same.
    """
    url = listener_url(account_id, clock=clock)
    client = client_of(account_id)
    return [_register_one(client, binding, url, clock) for binding in _bindings(account_id)]


def unregister(account_id: int, *, clock: Clock) -> list[RegistrationView]:
    """Take the registrations back at the planner."""
    client = client_of(account_id)
    views = []
    for binding in _bindings(account_id):
        try:
            client.unregister_event_listener(EVENT_CAMPAIGN_EXECUTED, binding.channel_id)
            for event_type in _BESIDE:
                with contextlib.suppress(Problem):  # a planner may know no such event
                    client.unregister_event_listener(event_type, binding.channel_id)
            binding.registered_at, binding.problem = None, ""
        except Problem as problem:
            binding.problem = _words(problem)
        binding.save(update_fields=["registered_at", "problem"])
        views.append(view_of(binding))
    return views


def rotate(account_id: int, *, clock: Clock, overlap_seconds: int | None = None) -> str:
    """A new address; the old one answers for the overlap. Registered at once if a planner is connected."""
    listener_url(account_id, clock=clock)
    connection = connection_row(account_id)
    overlap = connection.overlap_seconds if overlap_seconds is None else overlap_seconds
    with transaction.atomic():
        old = ListenerUrl.objects.select_for_update().get(account_id=account_id, valid_until__isnull=True)
        old.valid_until = clock.system() + timedelta(seconds=overlap)
        old.save(update_fields=["valid_until"])
        new = _new_url(account_id, clock)
    if connection.hears != Hears.POLLING:
        register(account_id, clock=clock)
    return address_of(new)


def check(account_id: int, *, clock: Clock) -> list[CheckStep]:
    """Three steps: sign in, compare registrations, ask for today's campaigns. Stops at the first that fails.

    Where the planner is only asked there are no registrations to compare.
    """
    client = client_of(account_id)
    url, row = listener_url(account_id, clock=clock), connection_row(account_id)
    steps = []
    for name, step in (
        ("Sign in", lambda: _check_login(client)),
        ("Registrations", lambda: _check_hearing(client, account_id, url, row)),
        ("Read campaigns", lambda: _check_read(client, account_id, clock)),
    ):
        try:
            steps.append(CheckStep(name=name, ok=True, words=step()))
        except Problem as problem:
            steps.append(CheckStep(name=name, ok=False, words=_words(problem)))
            break
    return steps


def view_of(binding: ChannelBinding) -> RegistrationView:
    """A binding as others see it."""
    return RegistrationView(
        channel_id=binding.channel_id,
        kind=binding.kind,
        registered_at=binding.registered_at,
        problem=binding.problem,
    )


def _check_login(client: PlannerClient) -> str:
    client.login()
    return "The planner accepts the credentials."


def _check_hearing(client: PlannerClient, account_id: int, url: str, row: PlannerConnection) -> str:
    if row.hears == Hears.POLLING:
        return f"None is used: the planner is asked every {row.poll_seconds} seconds."
    try:
        return _check_registrations(client, account_id, url)
    except PlannerKnowsNot:
        return "The planner does not tell whom it calls. Whether events arrive shows with the first campaign."


def _check_registrations(client: PlannerClient, account_id: int, url: str) -> str:
    known = {
        (listener.event_type, listener.channel_id)
        for listener in client.registered_event_listeners()
        if listener.url == url
    }
    bindings = _bindings(account_id)
    missing = [b.channel_id for b in bindings if (EVENT_CAMPAIGN_EXECUTED, b.channel_id) not in known]
    if missing:
        names = ", ".join(map(str, missing))
        raise ConnectionWrong(
            f"The planner does not call this listener for channel {names}.", "Register again."
        )
    quiet = [str(b.channel_id) for b in bindings if (EVENT_CAMPAIGN_CANCELLED, b.channel_id) not in known]
    words = f"The planner calls this listener for {len(bindings)} channels."
    if not quiet:
        return words
    return f"{words} Not of cancelled campaigns on channel {', '.join(quiet)}: they are found out by asking."


def _check_read(client: PlannerClient, account_id: int, clock: Clock) -> str:
    from tandem.messenger.listener.service.poll import planner_today

    today = planner_today(connection_row(account_id).zone, clock)
    found = sum(len(client.executed_campaigns_by_channel(b.channel_id, today)) for b in _bindings(account_id))
    return f"{found} campaigns are listed for {today}."


def _register_one(client: PlannerClient, binding: ChannelBinding, url: str, clock: Clock) -> RegistrationView:
    try:
        client.register_event_listener(EVENT_CAMPAIGN_EXECUTED, url, binding.channel_id)
        binding.registered_at = clock.system()
        binding.problem = " ".join(_register_beside(client, binding, url))[:500]
    except Problem as problem:
        binding.problem = _words(problem)
    binding.save(update_fields=["registered_at", "problem"])
    return view_of(binding)


def _register_beside(client: PlannerClient, binding: ChannelBinding, url: str) -> Iterator[str]:
    """Campaigns are heard of without these, so a planner that refuses one is only told of."""
    for event_type, lacking in _BESIDE.items():
        try:
            client.register_event_listener(event_type, url, binding.channel_id)
        except Problem as problem:
            yield f"{lacking} {_words(problem)}"


def _bindings(account_id: int) -> list[ChannelBinding]:
    return list(ChannelBinding.objects.filter(account_id=account_id).order_by("channel_id"))


def _new_url(account_id: int, clock: Clock) -> ListenerUrl:
    secret = secrets.new_token()
    return ListenerUrl.objects.create(
        account_id=account_id,
        secret_hash=secrets.token_hash(secret),
        secret_sealed=settings.TANDEM_VAULT.seal(secret, f"{account_id}:listener url"),
        created_at=clock.system(),
    )


def _words(problem: Problem) -> str:
    return f"{problem.title}: {problem.detail} {problem.advice}".strip()[:500]
