"""Django's name for this room."""

from django.apps import AppConfig


class PlannerCustomersConfig(AppConfig):
    """planner.customers."""

    name = "tandem.planner.customers"
    label = "planner_customers"
    default_auto_field = "django.db.models.BigAutoField"
