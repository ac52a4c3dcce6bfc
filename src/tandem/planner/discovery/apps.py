"""Django's name for this room."""

from django.apps import AppConfig


class PlannerDiscoveryConfig(AppConfig):
    """planner.discovery."""

    name = "tandem.planner.discovery"
    label = "planner_discovery"
    default_auto_field = "django.db.models.BigAutoField"
