"""Forms of both halves: Tabler's classes, errors tied to their fields, a Problem beside its field."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from tandem.kit.problems import Problem

_CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxInput, "form-check-input"),
    (forms.CheckboxSelectMultiple, ""),
    (forms.RadioSelect, ""),
    (forms.Select, "form-select"),
    (forms.Widget, "form-control"),
)


class TandemForm(forms.Form):
    """A form whose widgets look like Tabler's; the browser's own bubbles are off (`novalidate`)."""

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for field in self.fields.values():
            wanted = next(name for kind, name in _CLASSES if isinstance(field.widget, kind))
            given = field.widget.attrs.get("class", "")
            field.widget.attrs["class"] = f"{wanted} {given}".strip()
            if str(field.error_messages.get("required")) == str(
                forms.Field.default_error_messages["required"]
            ):
                field.error_messages["required"] = _missing(field)

    def problem(self, problem: Problem) -> None:
        """Show a service's refusal beside the field it names, or above the form."""
        name = problem.field if problem.field in self.fields else None
        self.add_error(name, f"{problem.detail} {problem.advice}".strip())

    def full_clean(self) -> None:
        """Mark the fields that have errors for screen readers."""
        super().full_clean()
        self._mark()

    def add_error(self, field: str | None, error: Any) -> None:
        """Add the error and mark its field."""
        super().add_error(field, error)
        self._mark()

    def _mark(self) -> None:
        for name in self.errors:
            if name in self.fields:
                attrs = self.fields[name].widget.attrs
                attrs["aria-invalid"] = "true"
                attrs["aria-describedby"] = f"{self[name].auto_id}_error"
                if "is-invalid" not in attrs.get("class", ""):
                    attrs["class"] = f"{attrs.get('class', '')} is-invalid".strip()

    def summary(self) -> list[tuple[str, str]]:
        """Each error as (id of the field or empty, sentence), in the order of the form."""
        order = ["__all__", *self.fields]
        names = sorted(self.errors, key=order.index)
        return [
            ("" if name == "__all__" else self[name].auto_id, str(text))
            for name in names
            for text in self.errors[name]
        ]


def _missing(field: forms.Field) -> str:
    """What to do about a field that was left out, where the form itself says nothing better."""
    words = _("Choose: %(label)s.") if isinstance(field, forms.ChoiceField) else _("Fill in: %(label)s.")
    return words % {"label": field.label}
