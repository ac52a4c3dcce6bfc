"""The connection check in four visible steps; each names the field that is wrong."""

from contextlib import suppress
from typing import NamedTuple

from tandem.clients import profile as profiles
from tandem.clients.messenger import MessengerClient, MessengerRefusedCustomer, MessengerRefusedPassword
from tandem.clients.profile import MESSENGER, Profile
from tandem.kit.clock import Clock
from tandem.kit.problems import Problem
from tandem.planner.channels.domain import ChannelAccountView, CheckStep, ConnectionCheck
from tandem.planner.channels.models import ChannelAccount
from tandem.planner.channels.service.accounts import _open, client, get_account, row_of
from tandem.planner.listeners import service as listeners

REACHED, SIGNED_IN, READ, LISTENER = (
    "Reached the address",
    "Signed in",
    "Read projects and templates",
    "Listener registered",
)
CAMPAIGN_EVENT = 13


def check_connection(account_id: int, channel_account_id: int, *, clock: Clock) -> ConnectionCheck:
    """Check a saved connection and keep the result with its time."""
    row = row_of(account_id, channel_account_id)
    secrets = (
        _open(account_id, "password", row.password_sealed),
        _open(account_id, "token", row.token_sealed),
    )
    differs = profiles.parse(row.profile, MESSENGER)
    first = _three_steps(_Values(row.api_url, row.customer_id, row.user_name, *secrets, differs))
    view = get_account(account_id, channel_account_id)
    check = ConnectionCheck(steps=(*first, _listener_step(account_id, view)))
    ChannelAccount.objects.filter(account_id=account_id, pk=row.pk).update(
        checked_at=clock.business(), check_ok=check.ok
    )
    return check


def check_values(
    api_url: str,
    customer_id: str,
    user_name: str = "",
    password: str = "",
    token: str = "",
    profile: str = "",
) -> ConnectionCheck:
    """Check five values, and how the messenger differs, before they are saved; writes nothing."""
    differs = profiles.parse(profile, MESSENGER)
    first = _three_steps(_Values(api_url, customer_id, user_name, password, token, differs))
    later = CheckStep(name=LISTENER, ok=None, detail="Checked once the account is saved.")
    return ConnectionCheck(steps=(*first, later))


class _Values(NamedTuple):
    api_url: str
    customer_id: str
    user: str
    password: str
    token: str
    profile: Profile

    def client(self) -> MessengerClient:
        return client(*self[:5], profile=self.profile)


def _three_steps(values: _Values) -> tuple[CheckStep, ...]:
    steps: list[CheckStep] = []
    for name, run in ((REACHED, _reach), (SIGNED_IN, _sign_in), (READ, _read)):
        if steps and not steps[-1].ok:
            steps.append(CheckStep(name=name, ok=None, detail="Not tried."))
            continue
        try:
            steps.append(CheckStep(name=name, ok=True, detail=run(values)))
        except Problem as problem:
            words = f"{problem.detail} {problem.advice}".strip()
            steps.append(CheckStep(name=name, ok=False, detail=words, field=problem.field or "api_url"))
    return tuple(steps)


def _reach(values: _Values) -> str:
    with suppress(MessengerRefusedPassword, MessengerRefusedCustomer):
        values.client().sign_in()
    return "The address answers as Symplify's API."


def _sign_in(values: _Values) -> str:
    if values.token:
        try:
            values._replace(user="", password="").client().sign_in()
        except MessengerRefusedPassword as error:
            raise MessengerRefusedPassword(
                "The messenger refused the API token (401).", "Ask Symplify for a new token.", field="token"
            ) from error
    named = bool(values.user and values.password)
    if named and not values.token:
        values.client().sign_in()
    words = f"Customer {values.customer_id}, {'token' if values.token else 'user name'} accepted."
    return f"{words} {_second(values)}" if named and values.token else words


def _second(values: _Values) -> str:
    """What becomes of user name and password beside a token, which decides alone."""
    try:
        values._replace(token="").client().sign_in()
    except (MessengerRefusedPassword, MessengerRefusedCustomer):
        return (
            "The user name and password are refused (401 or 403); the token decides, so they are not needed."
        )
    return "The user name and password work too; the token decides."


def _read(values: _Values) -> str:
    messenger = values.client()
    projects, templates = messenger.projects(), messenger.triggers()
    return f"{len(projects)} projects, {len(templates)} templates."


def _listener_step(account_id: int, view: ChannelAccountView) -> CheckStep:
    wanted = {view.email_channel_id: "email", view.sms_channel_id: "SMS"}
    heard = {
        one.channel_id
        for one in listeners.listeners(account_id)
        if one.event_type == CAMPAIGN_EVENT and one.is_active
    }
    missing = [word for number, word in wanted.items() if number not in heard and None not in heard]
    if not missing:
        return CheckStep(
            name=LISTENER, ok=True, detail="The messenger is told about email and SMS campaigns."
        )
    return CheckStep(
        name=LISTENER,
        ok=False,
        detail=f"No listener is registered for {' and '.join(missing)}. Register it on the messenger's side.",
    )
