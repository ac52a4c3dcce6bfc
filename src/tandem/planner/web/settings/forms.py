"""Forms of the settings page."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tandem.kit.forms import TandemForm
from tandem.planner.accounts.domain import MOST_CALLS, ROLES, Restriction, Rights


class RestrictionForm(TandemForm):
    """What a program is held to beside its rights."""

    functions = forms.MultipleChoiceField(
        label=_("Functions"), required=False, widget=forms.CheckboxSelectMultiple
    )
    networks = forms.CharField(
        label=_("Only from"),
        required=False,
        max_length=4000,
        help_text=_("Addresses or networks, one to a line, as 203.0.113.0/24. Empty = from anywhere."),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )
    limit = forms.IntegerField(
        label=_("Calls in the window"),
        required=False,
        min_value=1,
        max_value=MOST_CALLS,
        help_text=_("Of its key. Empty = the usual number."),
        error_messages={"invalid": _("Give a whole number, or nothing.")},
    )

    def __init__(self, *args: Any, groups: dict[str, tuple[str, ...]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.groups = groups
        names = [f"{group}/{name}" for group, found in groups.items() for name in ("*", *found)]
        self.fields["functions"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    def choices_by_group(self) -> list[tuple[str, bool, list[tuple[str, str, bool]]]]:
        """(group, whether something of it is ticked, its boxes: value, words, ticked), the whole group's box first."""
        ticked = set(self["functions"].value() or ())
        found = []
        for group, names in self.groups.items():
            boxes = [(f"{group}/*", str(_("All of %(group)s") % {"group": group}), f"{group}/*" in ticked)]
            boxes += [(f"{group}/{name}", name, f"{group}/{name}" in ticked) for name in names]
            found.append((group, any(box[2] for box in boxes), boxes))
        return found

    def restriction(self) -> Restriction:
        """What the service takes."""
        data = self.cleaned_data
        return Restriction(
            functions=tuple(data["functions"]),
            networks=tuple(line.strip() for line in data["networks"].splitlines() if line.strip()),
            limit=data["limit"],
        )


class CredentialForm(RestrictionForm):
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
