"""What forms say of fields that were left out."""

from django import forms

from tandem.kit.forms import TandemForm


class Asked(TandemForm):
    name = forms.CharField(label="Name", error_messages={"required": "Give it a name."})
    address = forms.CharField(label="Address")
    channel = forms.ChoiceField(label="Channel", choices=[("email", "Email")])


def test_each_missing_field_says_what_to_do():
    form = Asked({})
    assert form.summary() == [
        ("id_name", "Give it a name."),
        ("id_address", "Fill in: Address."),
        ("id_channel", "Choose: Channel."),
    ]
    assert form["address"].field.widget.attrs["aria-describedby"] == "id_address_error"
    assert str(forms.CharField().error_messages["required"]) == "This field is required."
