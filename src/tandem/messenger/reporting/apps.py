"""Django's name for this room."""

from django.apps import AppConfig


class MessengerReportingConfig(AppConfig):
    """messenger.reporting."""

    name = "tandem.messenger.reporting"
    label = "messenger_reporting"
    default_auto_field = "django.db.models.BigAutoField"
