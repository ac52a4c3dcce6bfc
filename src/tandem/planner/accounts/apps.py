"""Django's name for this room."""

from django.apps import AppConfig


class PlannerAccountsConfig(AppConfig):
    """planner.accounts."""

    name = "tandem.planner.accounts"
    label = "planner_accounts"
    default_auto_field = "django.db.models.BigAutoField"
