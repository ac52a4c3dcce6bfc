"""Django's name for this room."""

from django.apps import AppConfig


class MessengerAlarmsConfig(AppConfig):
    """messenger.alarms."""

    name = "tandem.messenger.alarms"
    label = "messenger_alarms"
    default_auto_field = "django.db.models.BigAutoField"
