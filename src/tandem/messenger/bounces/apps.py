"""Django's name for this room."""

from django.apps import AppConfig


class MessengerBouncesConfig(AppConfig):
    """messenger.bounces."""

    name = "tandem.messenger.bounces"
    label = "messenger_bounces"
    default_auto_field = "django.db.models.BigAutoField"
