"""Django's name for this room."""

from django.apps import AppConfig


class MessengerRecordConfig(AppConfig):
    """messenger.record."""

    name = "tandem.messenger.record"
    label = "messenger_record"
    default_auto_field = "django.db.models.BigAutoField"
