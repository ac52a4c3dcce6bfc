"""Forms of webhooks and Send Gates; an empty secret keeps the stored one."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tandem.kit.forms import TandemForm
from tandem.messenger.webhooks.domain import Auth, EventType, Way

_SECRET = {"autocomplete": "off"}
_AUTHS = [
    (Auth.NONE.value, _("None")),
    (Auth.BASIC.value, _("User name and password (Basic)")),
    (Auth.HEADER.value, _("A token in a header of your own")),
]


class EndpointForm(TandemForm):
    """An address, whose events it is about, and what a call shows it."""

    url = forms.CharField(
        label=_("Address"),
        max_length=1000,
        help_text=_("Called by POST with JSON. Redirects are not followed."),
        error_messages={"required": _("Enter the address that is called.")},
    )
    project = forms.ChoiceField(label=_("Of"), required=False)
    auth = forms.ChoiceField(label=_("Sign-in at the address"), choices=_AUTHS)
    auth_name = forms.CharField(label=_("User or header name"), required=False, max_length=200)
    auth_secret = forms.CharField(
        label=_("Password or token"),
        required=False,
        strip=False,
        max_length=2000,
        widget=forms.PasswordInput(attrs=_SECRET),
    )

    def __init__(self, *args: Any, projects: Any = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "project" in self.fields:
            everything = ("", _("the whole account"))
            choices = [everything, *((str(one.id), one.name) for one in projects)]
            self.fields["project"].choices = choices  # type: ignore[attr-defined]

    def endpoint(self) -> dict[str, Any]:
        """What services take of it."""
        given = self.cleaned_data
        return {name: given[name] for name in ("url", "auth", "auth_name", "auth_secret")}

    @property
    def project_id(self) -> int | None:
        """The chosen project."""
        return int(self.cleaned_data["project"]) if self.cleaned_data.get("project") else None


class WebhookForm(EndpointForm):
    """A new webhook."""

    events = forms.MultipleChoiceField(
        label=_("Events"),
        choices=[(one.value, one.words) for one in EventType],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        error_messages={"required": _("Choose at least one event type.")},
    )
    way = forms.ChoiceField(
        label=_("Way"),
        choices=[
            (Way.VENDOR.value, _("As the vendor: once, acknowledged within 1 second, unsigned")),
            (Way.SIGNED.value, _("Signed: told again until it is acknowledged")),
        ],
    )


class ChangeForm(WebhookForm):
    """A webhook that exists: its way and project stay."""

    project = None  # type: ignore[assignment]
    way = None  # type: ignore[assignment]
    field_order = ("url", "events", "auth", "auth_name", "auth_secret")


class GateForm(EndpointForm):
    """A Send Gate of the account or of a project."""

    minutes = forms.IntegerField(
        label=_("Send without an answer after, minutes"),
        min_value=0,
        max_value=1440,
        initial=0,
        help_text=_(
            "0 = hold until the gate answers or a person decides. The late cut-off applies either way."
        ),
        error_messages={"required": _("Enter the minutes, 0 to hold.")},
    )
    enabled = forms.BooleanField(
        label=_("On"), required=False, initial=True, help_text=_("A project whose gate is off is not asked.")
    )
