"""Django's name for this room."""

from django.apps import AppConfig


class PlannerResultsConfig(AppConfig):
    """planner.results."""

    name = "tandem.planner.results"
    label = "planner_results"
    default_auto_field = "django.db.models.BigAutoField"
