"""Django's name for this room."""

from django.apps import AppConfig


class PlannerAlarmsConfig(AppConfig):
    """planner.alarms."""

    name = "tandem.planner.alarms"
    label = "planner_alarms"
    default_auto_field = "django.db.models.BigAutoField"
