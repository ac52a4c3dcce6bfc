"""Django's name for this room."""

from django.apps import AppConfig


class MessengerEventhubConfig(AppConfig):
    """messenger.eventhub."""

    name = "tandem.messenger.eventhub"
    label = "messenger_eventhub"
    default_auto_field = "django.db.models.BigAutoField"
