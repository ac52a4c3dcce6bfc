"""Django's name for this room."""

from django.apps import AppConfig


class MessengerDeliveryConfig(AppConfig):
    """messenger.delivery."""

    name = "tandem.messenger.delivery"
    label = "messenger_delivery"
    default_auto_field = "django.db.models.BigAutoField"
