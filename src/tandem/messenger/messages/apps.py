"""Django's name for this room."""

from django.apps import AppConfig


class MessengerMessagesConfig(AppConfig):
    """messenger.messages."""

    name = "tandem.messenger.messages"
    label = "messenger_messages"
    default_auto_field = "django.db.models.BigAutoField"
