"""Django's name for this room."""

from django.apps import AppConfig


class MessengerTestsendsConfig(AppConfig):
    """messenger.testsends."""

    name = "tandem.messenger.testsends"
    label = "messenger_testsends"
    default_auto_field = "django.db.models.BigAutoField"
