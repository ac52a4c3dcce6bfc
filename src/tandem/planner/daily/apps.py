"""Django's name for this room."""

from django.apps import AppConfig


class PlannerDailyConfig(AppConfig):
    """planner.daily."""

    name = "tandem.planner.daily"
    label = "planner_daily"
    default_auto_field = "django.db.models.BigAutoField"
