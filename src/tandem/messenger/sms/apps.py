"""Django's name for this room."""

from django.apps import AppConfig


class MessengerSmsConfig(AppConfig):
    """messenger.sms."""

    name = "tandem.messenger.sms"
    label = "messenger_sms"
    default_auto_field = "django.db.models.BigAutoField"
