"""Django's name for this room."""

from django.apps import AppConfig


class PlannerExecutionConfig(AppConfig):
    """planner.execution."""

    name = "tandem.planner.execution"
    label = "planner_execution"
    default_auto_field = "django.db.models.BigAutoField"
