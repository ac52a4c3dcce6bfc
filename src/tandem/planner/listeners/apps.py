"""Django's name for this room."""

from django.apps import AppConfig


class PlannerListenersConfig(AppConfig):
    """planner.listeners."""

    name = "tandem.planner.listeners"
    label = "planner_listeners"
    default_auto_field = "django.db.models.BigAutoField"
