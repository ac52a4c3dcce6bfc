"""Forms of the gateway and of the rules."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tandem.kit.forms import TandemForm
from tandem.messenger.gateways.domain import GatewayView, Profile

_PROFILES = {
    Profile.TWILIO: _("Twilio, or one that speaks like it"),
    Profile.ELKS: _("46elks, or one that speaks like it"),
    Profile.TEMPLATE: _("Another gateway over HTTP, described here"),
    Profile.SMPP: _("An operator's message centre (SMSC) over SMPP 3.4"),
}


class GatewayForm(TandemForm):
    """Where SMS are handed over; an empty secret keeps the stored one of the same profile."""

    profile = forms.ChoiceField(
        label=_("Gateway"), choices=[(one.value, words) for one, words in _PROFILES.items()]
    )
    url = forms.CharField(
        label=_("Address"),
        required=False,
        max_length=500,
        help_text=_(
            "Left empty, the vendor's own. A message centre (SMSC): smpp://host:2775, or smpps:// for TLS."
        ),
    )
    user = forms.CharField(
        label=_("User name"),
        required=False,
        max_length=200,
        help_text=_("At Twilio the account SID, over SMPP the system id."),
    )
    secret = forms.CharField(
        label=_("Password or token"),
        required=False,
        strip=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    default_sender = forms.CharField(
        label=_("Sender"),
        required=False,
        max_length=16,
        help_text=_("Where a project names none: a number, a short code, or at most 11 letters and digits."),
    )
    senders = forms.CharField(
        label=_("Senders of countries"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "US=+12125550100"}),
        help_text=_("One to a line. Where networks refuse other senders, a country has its own."),
    )
    options = forms.CharField(
        label=_("Options"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "code", "spellcheck": "false"}),
        help_text=_("Of a described gateway and of SMPP, as a JSON object; the manual lists them."),
    )

    def clean_senders(self) -> dict[str, str]:
        """Country code -> sender id."""
        found = {}
        for line in filter(None, map(str.strip, self.cleaned_data["senders"].splitlines())):
            country, equals, sender = line.partition("=")
            if not equals:
                raise forms.ValidationError(_("Write each line as US=+12125550100."))
            found[country.strip().upper()] = sender.strip()
        return found

    def clean_options(self) -> dict[str, Any]:
        """The JSON object."""
        said = self.cleaned_data["options"].strip()
        try:
            found = json.loads(said or "{}")
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise forms.ValidationError(_("Write a JSON object, or nothing."))
        return found


def initial_of(view: GatewayView | None) -> dict[str, Any]:
    """What the form begins with; never the secret."""
    if view is None:
        return {"profile": Profile.TWILIO.value}
    return {
        "profile": view.profile.value,
        "url": view.url,
        "user": view.user,
        "default_sender": view.default_sender,
        "senders": "\n".join(f"{country}={sender}" for country, sender in sorted(view.senders.items())),
        "options": json.dumps(view.options, indent=2, ensure_ascii=False) if view.options else "",
    }


class RulesForm(TandemForm):
    """Quiet hours, and answers to keywords."""

    quiet = forms.BooleanField(label=_("SMS of campaigns wait at night"), required=False)
    opens = forms.TimeField(
        label=_("May leave from"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    closes = forms.TimeField(
        label=_("May leave until"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    zone_attribute = forms.CharField(
        label=_("Attribute with a person's time zone"),
        required=False,
        max_length=100,
        help_text=_("Left empty, the zone follows from the country code of the number."),
    )
    answers = forms.BooleanField(label=_("Keywords are answered"), required=False)
    stop_text = forms.CharField(label=_("Answer to STOP"), required=False, max_length=480)
    start_text = forms.CharField(label=_("Answer to START"), required=False, max_length=480)
    help_text = forms.CharField(label=_("Answer to HELP"), required=False, max_length=480)
