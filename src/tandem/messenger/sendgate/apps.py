"""Django's name for this room."""

from django.apps import AppConfig


class MessengerSendgateConfig(AppConfig):
    """messenger.sendgate."""

    name = "tandem.messenger.sendgate"
    label = "messenger_sendgate"
    default_auto_field = "django.db.models.BigAutoField"
