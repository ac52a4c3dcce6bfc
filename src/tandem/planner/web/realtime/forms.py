"""The form of a real-time campaign. The template says the project, the channel and the messenger."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tandem.kit.forms import TandemForm
from tandem.planner.campaigns import service as campaigns
from tandem.planner.channels import service as channels
from tandem.planner.channels.domain import ChannelKind, fits
from tandem.planner.realtime.conditions import read_lines
from tandem.planner.realtime.domain import RealTimePlan, RealTimeView
from tandem.planner.realtime.errors import RealTimeRefused
from tandem.planner.targeting import service as targeting

_WHOLE = {"required": _("Give a whole number."), "invalid": _("Give a whole number.")}
_PLAIN = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}


class RealTimeForm(TandemForm):
    """On which event, who, what they get, how often."""

    name = forms.CharField(
        label=_("Name"), max_length=200, error_messages={"required": _("Give the campaign a name.")}
    )
    event_name = forms.CharField(
        label=_("Event"),
        max_length=100,
        help_text=_("As the sender names it: purchase, for example."),
        error_messages={"required": _("Name the event that triggers it.")},
        widget=forms.TextInput(attrs=_PLAIN),
    )
    conditions = forms.CharField(
        label=_("Conditions"),
        required=False,
        max_length=5000,
        help_text=_("One per line, all must hold: amount >= 100, category in shoes, boots, coupon exists."),
        widget=forms.Textarea(attrs={"rows": 4, **_PLAIN}),
    )
    group = forms.ChoiceField(label=_("Only members of"), required=False)
    template = forms.ChoiceField(
        label=_("Template"), error_messages={"required": _("Choose the template they get.")}
    )
    promo_code = forms.ChoiceField(label=_("Promo code"), required=False)
    cap_hours = forms.IntegerField(
        label=_("At most once in so many hours"),
        initial=24,
        help_text=_("Per customer; 0 = each time."),
        error_messages=_WHOLE,
    )
    control_percent = forms.DecimalField(
        label=_("Control group, %"),
        initial=Decimal(0),
        decimal_places=2,
        max_digits=5,
        help_text=_("These customers get nothing, so that the effect can be measured."),
        error_messages={"required": _("Give a number."), "invalid": _("Give a number.")},
    )
    late_minutes = forms.IntegerField(
        label=_("Late after, minutes"),
        initial=15,
        help_text=_("An event older than this triggers nobody."),
        error_messages=_WHOLE,
    )

    def __init__(self, *args: Any, account_id: int, saved: RealTimeView | None = None, **kwargs: Any) -> None:
        if saved is not None:
            kwargs["initial"] = _initial(saved)
        super().__init__(*args, **kwargs)
        groups = [(str(one.id), one.name) for one in targeting.list_groups(account_id)]
        codes = [(one.code, f"{one.code}: {one.name}") for one in campaigns.list_promotions(account_id)]
        self.templates = _templates(account_id)
        choices: dict[str, Any] = {
            "group": [("", _("All customers")), *groups],
            "promo_code": [("", _("None")), *codes],
            "template": [("", _("Choose a template")), *_grouped(self.templates)],
        }
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]

    def plan(self) -> RealTimePlan:
        """The plan of a valid form. Raises RealTimeRefused for a condition that cannot be read."""
        data = self.cleaned_data
        connection, template_id, channel = data["template"].split(":")
        chosen = self.templates[data["template"]]
        return RealTimePlan(
            name=data["name"],
            event_name=data["event_name"],
            conditions=read_lines(data["conditions"]),
            group_id=int(data["group"]) if data["group"] else None,
            channel=channel,
            channel_account_id=int(connection),
            project_id=chosen.project_id,
            template_id=int(template_id),
            promo_code=data["promo_code"],
            cap_hours=data["cap_hours"],
            control_percent=data["control_percent"],
            late_minutes=data["late_minutes"],
        )

    def refused(self, problem: RealTimeRefused) -> None:
        """Show a service's refusal beside its field."""
        if problem.field == "template_id":
            problem.field = "template"
        self.problem(problem)


def _templates(account_id: int) -> dict[str, Any]:
    """connection:template:channel -> the template, all that can be sent."""
    return {
        f"{connection.id}:{one.id}:{kind}": one
        for connection in channels.list_accounts(account_id)
        for one in channels.list_templates(account_id, connection.id, usable_only=True)
        for kind in ChannelKind
        if fits(one.channel, kind)
    }


def _grouped(templates: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    projects: dict[str, list[tuple[str, str]]] = {}
    for value, one in templates.items():
        word = "SMS" if value.endswith(":sms") else "email"
        projects.setdefault(one.project_name, []).append((value, f"{one.name} ({word})"))
    return list(projects.items())


def _initial(view: RealTimeView) -> dict[str, Any]:
    return {
        "name": view.name,
        "event_name": view.event_name,
        "conditions": view.condition_lines,
        "group": str(view.group_id or ""),
        "template": f"{view.channel_account_id}:{view.template_id}:{view.channel}",
        "promo_code": view.promo_code,
        "cap_hours": view.cap_hours,
        "control_percent": view.control_percent,
        "late_minutes": view.late_minutes,
    }
