"""Django's name for this room."""

from django.apps import AppConfig


class MessengerSubscriptionsConfig(AppConfig):
    """messenger.subscriptions."""

    name = "tandem.messenger.subscriptions"
    label = "messenger_subscriptions"
    default_auto_field = "django.db.models.BigAutoField"
