"""Django's name for this room."""

from django.apps import AppConfig


class MessengerExportsConfig(AppConfig):
    """messenger.exports."""

    name = "tandem.messenger.exports"
    label = "messenger_exports"
    default_auto_field = "django.db.models.BigAutoField"
