"""Django's name for this room."""

from django.apps import AppConfig


class MessengerPacingConfig(AppConfig):
    """messenger.pacing."""

    name = "tandem.messenger.pacing"
    label = "messenger_pacing"
    default_auto_field = "django.db.models.BigAutoField"
