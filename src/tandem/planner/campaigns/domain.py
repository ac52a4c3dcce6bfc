"""Campaign plans, their states, and the rules that need nothing but the plan itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from tandem.kit.problems import Conflict, Refused
from tandem.kit.zones import fixed_instant
from tandem.planner.channels.domain import ChannelKind

DEFAULT_CONTROL = Decimal(10)
DEFAULT_LEAD = 15
DEFAULT_LATE = 60
DEFAULT_DURATION = 14
LONGEST_LEAD = 24 * 60
LONGEST_LATE = 24 * 60


class OccurrenceState(StrEnum):
    """Where a campaign on one date stands."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    MAKING_LIST = "making list"
    CLEARANCE = "waiting for clearance"
    WAITING = "waiting for messenger"
    SENDING = "sending"
    SENT = "sent"
    SENT_WITH_FAILURES = "sent with failures"
    NOT_RUN = "not run"
    BEING_CANCELLED = "being cancelled"
    CANCELLED = "cancelled"


_S = OccurrenceState
#: every move that is allowed; what is not here is refused
MOVES: Mapping[OccurrenceState, frozenset[OccurrenceState]] = {
    _S.DRAFT: frozenset({_S.SCHEDULED, _S.CANCELLED}),
    _S.SCHEDULED: frozenset({_S.MAKING_LIST, _S.NOT_RUN, _S.CANCELLED}),
    _S.MAKING_LIST: frozenset({_S.WAITING, _S.CLEARANCE, _S.NOT_RUN, _S.CANCELLED}),
    _S.CLEARANCE: frozenset({_S.WAITING, _S.NOT_RUN, _S.CANCELLED}),
    _S.WAITING: frozenset(
        {_S.SENDING, _S.SENT, _S.SENT_WITH_FAILURES, _S.NOT_RUN, _S.BEING_CANCELLED, _S.CANCELLED}
    ),
    _S.SENDING: frozenset({_S.SENT, _S.SENT_WITH_FAILURES}),
    _S.SENT: frozenset(),
    _S.SENT_WITH_FAILURES: frozenset(),
    _S.NOT_RUN: frozenset({_S.SCHEDULED}),
    _S.BEING_CANCELLED: frozenset({_S.CANCELLED}),
    _S.CANCELLED: frozenset(),
}
FINAL = frozenset(state for state, after in MOVES.items() if not after)
CHANGEABLE = frozenset({_S.DRAFT, _S.SCHEDULED})
#: the list is frozen and nobody else has it yet
PROCESSED = frozenset({_S.CLEARANCE, _S.WAITING})
#: cancelled by a person; the messenger may still be asked to stop what it has
CANCELLED_STATES = frozenset({_S.BEING_CANCELLED, _S.CANCELLED})
#: how long those who were on a cancelled campaign's list are told
CANCELLED_KEPT = timedelta(hours=2)
STOP_THERE = (
    "Pause or cancel its sending at the messenger, under Sendings; what has not left yet stays there."
)


class TimeRefused(Refused):
    """The date or time cannot be used."""

    title = "That time cannot be used"


class TemplatesRefused(Refused):
    """The templates cannot be used together."""

    title = "Those templates cannot be used"


class PlanRefused(Refused):
    """Another part of the plan breaks a rule."""

    title = "The plan is not complete"


class MoveRefused(Conflict):
    """The campaign's state does not allow this."""

    title = "Not possible now"


@dataclass(frozen=True)
class TemplateShare:
    """A template and the whole percent of the customers who get it."""

    template_id: int
    share: int


@dataclass(frozen=True, kw_only=True)
class CampaignPlan:
    """What a marketer plans: one group, one channel, templates of one project, one date.

    action: what is offered, by default the campaign's name. duration_days: the measuring window.
    clearance_minutes: a third party clears the customers up to so long before the send time; None = nobody has to.
    """

    name: str
    group_id: int
    channel: ChannelKind | str
    channel_account_id: int
    project_id: int
    templates: tuple[TemplateShare, ...]
    day: date
    time: time
    zone: str
    control_percent: Decimal = DEFAULT_CONTROL
    lead_minutes: Decimal | float = DEFAULT_LEAD
    late_minutes: int = DEFAULT_LATE
    action: str = ""
    duration_days: int = DEFAULT_DURATION
    notes: str = ""
    tags: tuple[str, ...] = ()
    promo_codes: tuple[str, ...] = ()
    clearance_minutes: Decimal | float | None = None

    @property
    def clearance(self) -> timedelta | None:
        """How long before the send time clearance ends, in whole seconds."""
        if self.clearance_minutes is None:
            return None
        return timedelta(seconds=round(float(self.clearance_minutes) * 60))

    @property
    def lead(self) -> timedelta:
        """How long before the send time the list is made, in whole seconds."""
        return timedelta(seconds=round(float(self.lead_minutes) * 60))


@dataclass(frozen=True, kw_only=True)
class PlannedTemplate:
    """A template of a plan, with its name as last read."""

    template_id: int
    name: str
    share: int


@dataclass(frozen=True, kw_only=True)
class CampaignView:
    """A campaign with its one occurrence; `occurrence_id` is the CampaignID of the wire.

    clearance_at: until when a third party may clear customers; None = the campaign is not conditional.
    fetched_at: when the messenger first fetched of the list; None = it has nothing of it.
    """

    id: int
    name: str
    group_id: int
    group_name: str
    group_version: int
    channel: ChannelKind
    channel_account_id: int
    channel_account_name: str
    channel_id: int
    project_id: int
    project_name: str
    templates: tuple[PlannedTemplate, ...]
    day: date
    time: time
    zone: str
    control_percent: Decimal
    lead_minutes: float
    late_minutes: int
    state: OccurrenceState
    occurrence_id: int
    lock_at: datetime
    send_at: datetime
    cause: str
    action_id: int
    action: str
    duration_days: int
    notes: str
    tags: tuple[str, ...]
    promo_codes: tuple[str, ...]
    clearance_minutes: float | None
    clearance_at: datetime | None
    fetched_at: datetime | None = None

    @property
    def ends_on(self) -> date:
        """The day on which the measuring window is over."""
        return self.day + timedelta(days=self.duration_days)

    @property
    def gives_up_at(self) -> datetime:
        """The instant after which nothing may be sent any more."""
        return self.send_at + timedelta(minutes=self.late_minutes)

    @property
    def is_fetched(self) -> bool:
        """Whether the messenger has the list, or some of it."""
        return self.fetched_at is not None

    def can_be_cancelled(self, now: datetime) -> bool:
        """Whether it may still be cancelled here."""
        try:
            cancelled_as(self.state, self.name, fetched=self.is_fetched, due=self.send_at <= now)
        except MoveRefused:
            return False
        return True


@dataclass(frozen=True, kw_only=True)
class Review:
    """The sentence to confirm before scheduling, its instants, and what else should be known."""

    sentence: str
    send_at: datetime
    lock_at: datetime
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What the rules need to know of a template: where it belongs and whether it can be sent."""

    template_id: int
    name: str
    project_id: int
    project_name: str
    fits: bool
    usable: bool


def may_move(before: OccurrenceState, after: OccurrenceState) -> bool:
    """Whether the move is in the table."""
    return after in MOVES[before]


def check_move(before: OccurrenceState, after: OccurrenceState, name: str) -> None:
    """Raises MoveRefused with the state in words."""
    if not may_move(before, after):
        raise MoveRefused(f"{name} is {before}, so it cannot become {after}.", _advice(before))


def cancelled_as(state: OccurrenceState, name: str, *, fetched: bool, due: bool) -> OccurrenceState:
    """Where cancelling leads: `being cancelled` once the messenger has the list, else `cancelled` at once.

    due: the send time has come. Raises MoveRefused.
    """
    if state is _S.BEING_CANCELLED:
        raise MoveRefused(
            f"{name} is being cancelled already.", "What the messenger reports is shown with the campaign."
        )
    if state is _S.SENDING or (state is _S.WAITING and fetched and due):
        raise MoveRefused(
            f"The send time of {name} has come and the messenger has its list, so messages may have left.",
            STOP_THERE,
        )
    after = _S.BEING_CANCELLED if state is _S.WAITING and fetched else _S.CANCELLED
    check_move(state, after, name)
    return after


def check_plan(plan: CampaignPlan) -> None:
    """The rules on single fields. Raises PlanRefused naming the field."""
    if not plan.name.strip():
        raise PlanRefused("Give the campaign a name.", field="name")
    if len(plan.name.strip()) > 200:
        raise PlanRefused("The name is longer than 200 characters.", "Choose a shorter one.", field="name")
    if not 0 <= plan.control_percent < 100:
        raise PlanRefused(
            "The control group must be from 0 to less than 100 %.", "10 % is usual.", field="control"
        )
    if not 0 <= plan.lead.total_seconds() <= LONGEST_LEAD * 60:
        raise PlanRefused(
            "The lead time must be from 0 minutes to one day.", "15 minutes is usual.", field="lead"
        )
    if not 1 <= plan.late_minutes <= LONGEST_LATE:
        raise PlanRefused("The late cut-off must be from 1 minute to one day.", "60 is usual.", field="late")


def check_templates(plan: CampaignPlan, offered: Iterable[Offered]) -> None:
    """One project, known templates that fit the channel, shares that make 100. Raises TemplatesRefused."""
    known = {one.template_id: one for one in offered}
    ids = [one.template_id for one in plan.templates]
    if not ids:
        raise TemplatesRefused("Choose a project, then at least one of its templates.", field="templates")
    if len(set(ids)) < len(ids):
        raise TemplatesRefused("A template is chosen twice.", "Choose each once.", field="templates")
    for number in ids:
        if number not in known:
            raise TemplatesRefused(
                f"Template {number} is not among those last read.",
                "Read the templates again.",
                field="templates",
            )
    chosen = [known[number] for number in ids]
    _check_one_project(plan, chosen)
    _check_sendable(plan, chosen)
    if any(one.share < 1 for one in plan.templates) or sum(one.share for one in plan.templates) != 100:
        raise TemplatesRefused(
            "The templates' shares must make 100 %.", "Each is at least 1 %.", field="shares"
        )


def instants(plan: CampaignPlan) -> tuple[datetime, datetime]:
    """(lock_at, send_at) in UTC. Raises NoSuchLocalTime, UnknownZone."""
    send_at = fixed_instant(plan.day, plan.time, plan.zone)
    return send_at - plan.lead, send_at


def check_ahead(plan: CampaignPlan, now: datetime) -> None:
    """The list must still have time to be made. Raises TimeRefused."""
    lock_at, send_at = instants(plan)
    if send_at <= now:
        raise TimeRefused("That time is in the past.", "Choose a time that is still to come.", field="day")
    if lock_at < now:
        lead = _minutes(plan.lead)
        raise TimeRefused(
            f"Choose a time at least {lead} from now; the list is made before sending.", field="time"
        )


def even_shares(template_ids: Iterable[int]) -> tuple[TemplateShare, ...]:
    """Whole percents that make 100, as even as they can be; the first ones get the rest."""
    ids = list(template_ids)
    if not ids:
        return ()
    share, rest = divmod(100, len(ids))
    return tuple(
        TemplateShare(number, share + (1 if place < rest else 0)) for place, number in enumerate(ids)
    )


def _check_one_project(plan: CampaignPlan, chosen: list[Offered]) -> None:
    strangers = [one for one in chosen if one.project_id != plan.project_id]
    if not strangers:
        return
    others = [one for one in chosen if one.project_id == plan.project_id]
    stranger = strangers[0]
    rest = f", the others to {others[0].project_name}" if others else ", not to the chosen project"
    raise TemplatesRefused(
        f"Choose templates from one project. {stranger.name} belongs to {stranger.project_name}{rest}.",
        field="templates",
    )


def _check_sendable(plan: CampaignPlan, chosen: list[Offered]) -> None:
    for one in chosen:
        if not one.fits:
            word = "email" if plan.channel == ChannelKind.EMAIL else "SMS"
            raise TemplatesRefused(
                f"{one.name} cannot go by {word}.", f"Choose a template for {word}.", field="templates"
            )
        if not one.usable:
            raise TemplatesRefused(
                f"{one.name} has no active version at the messenger.", "Activate it there, then read again.",
                field="templates",
            )  # fmt: skip


def _advice(state: OccurrenceState) -> str:
    if state in (OccurrenceState.WAITING, OccurrenceState.SENDING):
        return STOP_THERE
    return "Plan a new campaign instead." if state in FINAL else ""


def _minutes(lead: timedelta) -> str:
    seconds = round(lead.total_seconds())
    if seconds % 60:
        return f"{seconds} seconds"
    return "1 minute" if seconds == 60 else f"{seconds // 60} minutes"
