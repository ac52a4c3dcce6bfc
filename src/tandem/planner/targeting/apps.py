"""Django's name for this room."""

from django.apps import AppConfig


class PlannerTargetingConfig(AppConfig):
    """planner.targeting."""

    name = "tandem.planner.targeting"
    label = "planner_targeting"
    default_auto_field = "django.db.models.BigAutoField"
