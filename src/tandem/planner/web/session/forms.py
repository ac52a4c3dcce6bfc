"""The sign-in form."""

from django import forms
from django.utils.translation import gettext_lazy as _

from tandem.kit.forms import TandemForm


class SignInForm(TandemForm):
    """E-mail and password."""

    email = forms.CharField(
        label=_("E-mail"),
        max_length=254,
        error_messages={"required": _("Give the e-mail address you sign in with.")},
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=1024,
        strip=False,
        error_messages={"required": _("Give your password.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
