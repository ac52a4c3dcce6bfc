"""Forms of the settings page."""

from django import forms
from django.utils.translation import gettext_lazy as _

from tandem.kit.forms import TandemForm
from tandem.planner.accounts.domain import ROLES, Rights


class CredentialForm(TandemForm):
    """A program's way in."""

    user_name = forms.CharField(
        label=_("User name"),
        max_length=150,
        required=False,
        help_text=_("Empty = a made-up one."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    rights = forms.ChoiceField(
        label=_("May do"),
        choices=[
            (Rights.FULL.value, _("Everything")),
            (Rights.THIRD_PARTY.value, _("What an execution channel needs")),
        ],
    )


class UserForm(TandemForm):
    """A person of the account."""

    email = forms.EmailField(
        label=_("E-mail"),
        error_messages={
            "required": _("Give the e-mail address to sign in with."),
            "invalid": _("This is no e-mail address. Write it as name@example.com."),
        },
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    role = forms.ChoiceField(
        label=_("Role"), choices=[(role, role.capitalize()) for role in ROLES], initial="marketer"
    )
    password = forms.CharField(
        label=_("First password"),
        strip=False,
        max_length=1024,
        error_messages={"required": _("Give a first password.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
