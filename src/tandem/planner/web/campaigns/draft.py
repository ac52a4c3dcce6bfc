"""What stands in the plan form: read from a post, judged, turned into a plan. No database, no request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from math import sqrt
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from tandem.planner.campaigns.domain import CampaignPlan, CampaignView, TemplateShare
from tandem.planner.campaigns.offer import listed
from tandem.planner.channels.domain import ChannelKind, TemplateView

USUAL_RATE = 0.05


@dataclass(frozen=True, kw_only=True)
class PlanDraft:
    """The form's values as typed; `shares` maps a chosen template to its typed share."""

    name: str = ""
    group: str = ""
    channel: str = "email"
    connection: str = ""
    project: str = ""
    templates: tuple[str, ...] = ()
    shares: Mapping[str, str] = field(default_factory=dict)
    day: str = ""
    time: str = ""
    control: str = "10"
    lead: str = "15"
    late: str = "60"
    action: str = ""
    duration: str = "14"
    notes: str = ""
    tags: str = ""
    promo_codes: tuple[str, ...] = ()
    conditional: bool = False
    clearance: str = "5"
    person: int = 0
    customer: str = ""
    cleared: tuple[str, ...] = ()


def from_post(post: Any) -> PlanDraft:
    """The draft as posted; `was` fields tell what the browser showed before."""
    chosen = tuple(post.getlist("template"))
    person = post.get("person", "0")
    return PlanDraft(
        name=post.get("name", "").strip()[:200],
        group=post.get("group", ""),
        channel=post.get("channel", "email"),
        connection=post.get("connection", ""),
        project=post.get("project", ""),
        templates=chosen,
        shares={one: post.get(f"share_{one}", "").strip() for one in chosen},
        day=post.get("day", "").strip(),
        time=post.get("time", "").strip(),
        control=post.get("control", "").strip(),
        lead=post.get("lead", "15").strip(),
        late=post.get("late", "60").strip(),
        action=post.get("action", "").strip(),
        duration=post.get("duration", "14").strip(),
        notes=post.get("notes", "").replace("\r\n", "\n").strip(),
        tags=post.get("tags", "").strip(),
        promo_codes=tuple(post.getlist("promo_code")),
        conditional=post.get("conditional") == "on",
        clearance=post.get("clearance", "5").strip(),
        person=int(person) if re.fullmatch(r"-?[0-9]{1,6}", person) else 0,
        customer=post.get("as_customer", "").strip()[:150],
    )


def from_view(view: CampaignView) -> PlanDraft:
    """The draft of a campaign that is changed."""
    return PlanDraft(
        name=view.name,
        group=str(view.group_id),
        channel=str(view.channel),
        connection=str(view.channel_account_id),
        project=str(view.project_id),
        templates=tuple(str(one.template_id) for one in view.templates),
        shares={str(one.template_id): str(one.share) for one in view.templates},
        day=f"{view.day:%Y-%m-%d}",
        time=f"{view.time:%H:%M}",
        control=f"{view.control_percent:f}".rstrip("0").rstrip(".") if view.control_percent else "0",
        lead=f"{view.lead_minutes:g}",
        late=f"{view.late_minutes:g}",
        action="" if view.action == view.name else view.action,
        duration=str(view.duration_days),
        notes=view.notes,
        tags=", ".join(view.tags),
        promo_codes=view.promo_codes,
        conditional=view.clearance_minutes is not None,
        clearance="5" if view.clearance_minutes is None else f"{view.clearance_minutes:g}",
    )


def fresh(now: datetime, zone: str) -> PlanDraft:
    """An empty draft for the next working day at 10:00 in the account's zone."""
    day = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return PlanDraft(day=f"{day:%Y-%m-%d}", time="10:00")


def settle(draft: PlanDraft, post: Any, names: Mapping[str, str]) -> PlanDraft:
    """Clear the templates when project, channel or account changed since the page was shown, and say which."""
    before = (post.get("project_was", ""), post.get("channel_was", ""), post.get("connection_was", ""))
    if not any(before) or before == (draft.project, draft.channel, draft.connection):
        return draft
    project = draft.project if before[2] in {"", draft.connection} else ""
    cleared = tuple(names.get(one, one) for one in draft.templates)
    return replace(draft, project=project, templates=(), shares={}, cleared=cleared, person=0)


def even_shares(draft: PlanDraft) -> PlanDraft:
    """Give templates without a typed share equal parts of what is left of 100."""
    if not draft.templates:
        return draft
    typed = {one: share for one, share in draft.shares.items() if share}
    if len(draft.templates) == 1:
        return replace(draft, shares={draft.templates[0]: "100"})
    if len(typed) == len(draft.templates):
        return draft
    each, over = divmod(100, len(draft.templates))
    return replace(draft, shares={one: str(each + (i < over)) for i, one in enumerate(draft.templates)})


def judge(draft: PlanDraft, templates: Mapping[str, TemplateView]) -> list[tuple[str, str]]:
    """What is missing or wrong, as (field id, sentence), in the order of the page."""
    found: list[tuple[str, str]] = []
    if not draft.name:
        found.append(("id_name", _("Give the campaign a name.")))
    if not draft.group.isdigit():
        found.append(("id_group", _("Choose who gets it: a target group.")))
    found += _judge_templates(draft, templates)
    if _day(draft) is None:
        found.append(("id_day", _("Choose at least one date.")))
    if _time(draft) is None:
        found.append(("id_time", _("Choose a time of day.")))
    control = _decimal(draft.control)
    if control is None or not 0 <= control <= 90:
        found.append(("id_control", _("Give the control group as a number from 0 to 90 %.")))
    if not draft.duration.isascii() or not draft.duration.isdigit():
        found.append(("id_duration", _("Give the duration in whole days.")))
    minutes = [("lead", 0, 1440), ("late", 1, 1440), *([("clearance", 0, 1440)] if draft.conditional else [])]
    for name, least, most in minutes:
        number = _decimal(getattr(draft, name))
        if number is None or not least <= number <= most:
            words = _("Give minutes from %(least)s to %(most)s.") % {"least": least, "most": most}
            found.append((f"id_{name}", words))
    return found


def _judge_templates(draft: PlanDraft, templates: Mapping[str, TemplateView]) -> list[tuple[str, str]]:
    if not draft.project.isdigit() or not draft.templates:
        return [("id_project", _("Choose a project, then at least one of its templates."))]
    chosen = [templates[one] for one in draft.templates if one in templates]
    if len(chosen) < len(draft.templates):
        return [
            ("id_project", _("One of the templates is no longer there. Read the templates again and choose."))
        ]
    strangers = [one for one in chosen if str(one.project_id) != draft.project]
    if strangers:
        words = _("Choose templates from one project. %(template)s belongs to %(project)s.")
        one = strangers[0]
        return [("id_project", words % {"template": one.name, "project": one.project_name})]
    shares = [_decimal(draft.shares.get(one, "")) for one in draft.templates]
    if any(share is None or share <= 0 or share != int(share) for share in shares):
        return [("id_templates", _("Give each template a share in whole percent, at least 1."))]
    total = sum(share for share in shares if share is not None)
    if total != 100:
        words = _("The shares of the templates add up to %(total)s %%; make them 100 %%.")
        return [("id_templates", words % {"total": f"{total:f}"})]
    return []


def to_plan(draft: PlanDraft, zone: str) -> CampaignPlan:
    """The plan of a draft that `judge` found nothing wrong with."""
    day, at = _day(draft), _time(draft)
    if day is None or at is None:
        raise ValueError("judge first")
    return CampaignPlan(
        name=draft.name,
        group_id=int(draft.group),
        channel=ChannelKind(draft.channel),
        channel_account_id=int(draft.connection),
        project_id=int(draft.project),
        templates=tuple(
            TemplateShare(template_id=int(one), share=int(draft.shares[one])) for one in draft.templates
        ),
        day=day,
        time=at,
        zone=zone,
        control_percent=Decimal(draft.control),
        lead_minutes=Decimal(draft.lead),
        late_minutes=int(Decimal(draft.late)),
        action=draft.action,
        duration_days=int(draft.duration),
        notes=draft.notes,
        tags=listed(draft.tags),
        promo_codes=draft.promo_codes,
        clearance_minutes=_decimal(draft.clearance) if draft.conditional else None,
    )


def least_uplift(people: int, control_percent: str) -> float | None:
    """The smallest difference in order rate, in points, seen 8 times in 10 at 95 % if 5 % order anyway.

    Two-sided z-test of two proportions, (1.96 + 0.84) standard errors; None when a side is empty.
    """
    share = _decimal(control_percent)
    if share is None or not 0 < share < 100 or not people:
        return None
    control = people * float(share) / 100
    test = people - control
    if control < 1 or test < 1:
        return None
    return 100 * 2.8 * sqrt(USUAL_RATE * (1 - USUAL_RATE) * (1 / control + 1 / test))


def _day(draft: PlanDraft) -> date | None:
    try:
        return date.fromisoformat(draft.day)
    except ValueError:
        return None


def _time(draft: PlanDraft) -> time | None:
    try:
        return time.fromisoformat(draft.time)
    except ValueError:
        return None


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
