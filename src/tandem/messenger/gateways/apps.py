"""Django's name for this room."""

from django.apps import AppConfig


class MessengerGatewaysConfig(AppConfig):
    """messenger.gateways."""

    name = "tandem.messenger.gateways"
    label = "messenger_gateways"
    default_auto_field = "django.db.models.BigAutoField"
