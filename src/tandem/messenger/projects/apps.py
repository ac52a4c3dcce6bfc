"""Django's name for this room."""

from django.apps import AppConfig


class MessengerProjectsConfig(AppConfig):
    """messenger.projects."""

    name = "tandem.messenger.projects"
    label = "messenger_projects"
    default_auto_field = "django.db.models.BigAutoField"
