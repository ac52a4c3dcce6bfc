"""Django's name for this room."""

from django.apps import AppConfig


class MessengerListenerConfig(AppConfig):
    """messenger.listener."""

    name = "tandem.messenger.listener"
    label = "messenger_listener"
    default_auto_field = "django.db.models.BigAutoField"
