"""Django's name for this room."""

from django.apps import AppConfig


class MessengerJobsConfig(AppConfig):
    """messenger.jobs."""

    name = "tandem.messenger.jobs"
    label = "messenger_jobs"
    default_auto_field = "django.db.models.BigAutoField"
