"""Django's name for this room."""

from django.apps import AppConfig


class PlannerModellingConfig(AppConfig):
    """planner.modelling."""

    name = "tandem.planner.modelling"
    label = "planner_modelling"
    default_auto_field = "django.db.models.BigAutoField"
