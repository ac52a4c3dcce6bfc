"""Django's name for this room."""

from django.apps import AppConfig


class MessengerContactsConfig(AppConfig):
    """messenger.contacts."""

    name = "tandem.messenger.contacts"
    label = "messenger_contacts"
    default_auto_field = "django.db.models.BigAutoField"
