"""Django's name for this room."""

from django.apps import AppConfig


class MessengerEngagementConfig(AppConfig):
    """messenger.engagement."""

    name = "tandem.messenger.engagement"
    label = "messenger_engagement"
    default_auto_field = "django.db.models.BigAutoField"
