"""Django's name for this room."""

from django.apps import AppConfig


class MessengerAccountsConfig(AppConfig):
    """messenger.accounts."""

    name = "tandem.messenger.accounts"
    label = "messenger_accounts"
    default_auto_field = "django.db.models.BigAutoField"
