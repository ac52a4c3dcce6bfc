"""Django's name for this room."""

from django.apps import AppConfig


class MessengerWebhooksConfig(AppConfig):
    """messenger.webhooks."""

    name = "tandem.messenger.webhooks"
    label = "messenger_webhooks"
    default_auto_field = "django.db.models.BigAutoField"
