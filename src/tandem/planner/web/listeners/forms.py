"""A new registration, and what of the log is shown."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tandem.kit.forms import TandemForm
from tandem.kit.zones import day_bounds
from tandem.planner.listeners.domain import DEAD, EVENT_NAMES, EventState, Listener, LogFilter

_EVENTS = [(number, f"{number} {name}") for number, name in EVENT_NAMES.items()]
_NOT_TOLD = "not told"


class ListenerForm(TandemForm):
    """An address that is told of an event."""

    event_type = forms.TypedChoiceField(label=_("Event"), choices=_EVENTS, coerce=int, initial=13)
    channel_id = forms.IntegerField(
        label=_("Channel"),
        min_value=1,
        required=False,
        help_text=_("Empty = all channels; events 2, 3 and 5 have none."),
        error_messages={"invalid": _("Give the channel's number, as 504.")},
    )
    url = forms.CharField(
        label=_("Address"),
        max_length=2000,
        error_messages={"required": _("Give an address like https://host/path.")},
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://…"}),
    )


class LogForm(TandemForm):
    """Which events are shown; what cannot be read does not matter."""

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("any")),
            (_NOT_TOLD, _("not told, with the cause")),
            *((state.value, state.value.capitalize()) for state in EventState),
        ],
    )
    event_type = forms.TypedChoiceField(
        label=_("Event"), required=False, choices=[("", _("any")), *_EVENTS], coerce=int, empty_value=None
    )
    listener = forms.TypedChoiceField(label=_("Listener"), required=False, coerce=int, empty_value=None)
    campaign = forms.IntegerField(label=_("Campaign's number"), required=False, min_value=1)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, listeners: tuple[Listener, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(one.id, f"{one.id}: {_words(one)}") for one in listeners]
        self.fields["listener"].choices = [("", _("any")), *choices]  # type: ignore[attr-defined]

    def chosen(self, zone: str) -> LogFilter:
        """The filter of the service, days in the account's zone."""
        self.is_valid()
        data = self.cleaned_data
        state = data.get("state") or ""
        states = DEAD if state == _NOT_TOLD else (EventState(state),) if state else ()
        return LogFilter(
            since=_bound(data.get("since"), zone, 0),
            until=_bound(data.get("until"), zone, 1),
            event_type=data.get("event_type"),
            listener_id=data.get("listener"),
            occurrence_id=data.get("campaign"),
            states=states,
        )


def _bound(day: date | None, zone: str, side: int) -> datetime | None:
    return None if day is None else day_bounds(day, zone)[side]


def _words(one: Listener) -> str:
    where = _("all channels") if one.channel_id is None else f"{one.channel_id}"
    return f"{_('event')} {one.event_type}, {where}"
