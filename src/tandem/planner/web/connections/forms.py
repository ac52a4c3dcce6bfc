"""The five fields of an account at the messenger."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tandem.kit.forms import TandemForm
from tandem.kit.problems import Problem
from tandem.planner.channels import service as channels
from tandem.planner.channels.domain import ChannelAccountView

_PLAIN = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
_SECRET = {"autocomplete": "new-password"}


class ChannelForm(TandemForm):
    """A channel that a program serves: it pushes the templates and hears the events."""

    name = forms.CharField(
        label=_("Name"), max_length=200, error_messages={"required": _("Give the channel a name.")}
    )
    email_channel_id = forms.IntegerField(
        label=_("Channel ID, reached by email"),
        min_value=1,
        required=False,
        error_messages={"invalid": _("Give a whole number, as 512.")},
    )
    sms_channel_id = forms.IntegerField(
        label=_("Channel ID, reached by SMS"),
        min_value=1,
        required=False,
        help_text=_("One of the two is enough."),
        error_messages={"invalid": _("Give a whole number, as 513.")},
    )


class ConnectionForm(TandemForm):
    """API URL, customer ID, user name, password, token; and what rarely differs from its default."""

    api_url = forms.CharField(
        label=_("API URL"),
        max_length=500,
        help_text=_("The address of Symplify's API; it usually ends in /rest."),
        error_messages={"required": _("Give the API URL; it usually ends in /rest.")},
        widget=forms.URLInput(attrs={**_PLAIN, "placeholder": "https://…/rest"}),
    )
    customer_id = forms.CharField(
        label=_("Symplify customer ID"),
        max_length=50,
        help_text=_("Your company's number at Symplify, not one of your own customers."),
        error_messages={"required": _("Give your company's customer ID at Symplify.")},
        widget=forms.TextInput(attrs=_PLAIN),
    )
    user_name = forms.CharField(
        label=_("User name"),
        max_length=200,
        required=False,
        help_text=_("User name and password, or the token below: one of the two is enough."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=500,
        strip=False,
        required=False,
        widget=forms.PasswordInput(attrs=_SECRET, render_value=True),
    )
    token = forms.CharField(
        label=_("API token"),
        max_length=500,
        required=False,
        help_text=_("Where there is a token, it decides alone; user name and password are then not used."),
        widget=forms.PasswordInput(attrs=_SECRET, render_value=True),
    )
    forget_token = forms.BooleanField(
        label=_("Forget the saved token; user name and password sign in"), required=False
    )
    name = forms.CharField(
        label=_("Name on these pages"),
        max_length=100,
        required=False,
        help_text=_("Empty = Symplify and the customer ID."),
    )
    email_channel_id = forms.IntegerField(
        label=_("Email channel ID"),
        min_value=1,
        required=False,
        help_text=_("The execution channel's number on the wire; empty = the next free one."),
        error_messages={"invalid": _("Give a whole number, as 504.")},
    )
    sms_channel_id = forms.IntegerField(
        label=_("SMS channel ID"),
        min_value=1,
        required=False,
        help_text=_("Empty = the next free one."),
        error_messages={"invalid": _("Give a whole number, as 505.")},
    )
    list_id = forms.IntegerField(
        label=_("Contact list"),
        min_value=1,
        required=False,
        help_text=_("Number of the messenger's list that holds your customers; empty = the only one."),
        error_messages={"invalid": _("Give the list's number.")},
    )
    profile = forms.CharField(
        label=_("How this messenger differs"),
        required=False,
        strip=False,
        help_text=_(
            "A profile in TOML; empty for a messenger that differs from Symplify's API in nothing. "
            "tandem conform messenger --write-profile FILE writes one."
        ),
        widget=forms.Textarea(attrs={**_PLAIN, "rows": 8, "class": "form-control font-monospace"}),
    )

    def __init__(self, *args: Any, saved: ChannelAccountView | None = None, **kwargs: Any) -> None:
        if saved is not None:
            kwargs["initial"] = {
                "api_url": saved.api_url,
                "customer_id": saved.customer_id,
                "user_name": saved.user_name,
                "name": saved.name,
                "email_channel_id": saved.email_channel_id,
                "sms_channel_id": saved.sms_channel_id,
                "list_id": saved.list_id,
                "profile": saved.profile,
            }
        super().__init__(*args, **kwargs)
        self._saved = saved
        kept = {"password": saved.has_password, "token": saved.has_token} if saved else {}
        for name in (name for name, is_kept in kept.items() if is_kept):
            self.fields[name].help_text = _("Saved and never shown again. Leave empty to keep it.")
        if not kept.get("token"):
            del self.fields["forget_token"]

    def clean_profile(self) -> str:
        """As it is kept; a wrong one says what is wrong."""
        try:
            return channels.checked_profile(self.cleaned_data["profile"])
        except Problem as problem:
            raise forms.ValidationError(f"{problem.detail} {problem.advice}".strip()) from problem

    def clean(self) -> dict[str, Any]:
        """A token, or a user name with a password, unless saved already; half of the second is named."""
        data = super().clean() or {}
        saved = self._saved
        has_password = bool(data.get("password") or (saved and saved.has_password))
        has_token = bool(data.get("token") or (saved and saved.has_token and not data.get("forget_token")))
        if not has_token:
            self._check_named(bool(data.get("user_name")), has_password)
        if not data.get("name"):
            data["name"] = f"Symplify {data.get('customer_id', '')}".strip()
        return data

    def _check_named(self, has_user: bool, has_password: bool) -> None:
        if not has_user and not has_password:
            self.add_error(
                "token", _("Give the API token, or a user name and its password; one of the two is enough.")
            )
        elif not has_user:
            self.add_error("user_name", _("Give the user name of the API user, or an API token instead."))
        elif not has_password:
            self.add_error("password", _("Give the password of the API user, or an API token instead."))

    def values(self) -> dict[str, Any]:
        """What the service takes; empty optional numbers are left to it."""
        data = self.cleaned_data
        names = ("name", "api_url", "customer_id", "user_name", "password", "token", "profile")
        plain = {key: data[key] for key in names}
        return {
            **plain,
            **({"forget_token": True} if data.get("forget_token") else {}),
            **{key: data[key] for key in ("email_channel_id", "sms_channel_id", "list_id") if data[key]},
        }
