"""Django's name for this room."""

from django.apps import AppConfig


class PlannerCampaignsConfig(AppConfig):
    """planner.campaigns."""

    name = "tandem.planner.campaigns"
    label = "planner_campaigns"
    default_auto_field = "django.db.models.BigAutoField"
