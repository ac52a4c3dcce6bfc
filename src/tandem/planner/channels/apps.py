"""Django's name for this room."""

from django.apps import AppConfig


class PlannerChannelsConfig(AppConfig):
    """planner.channels."""

    name = "tandem.planner.channels"
    label = "planner_channels"
    default_auto_field = "django.db.models.BigAutoField"
