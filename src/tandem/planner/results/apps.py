"""Django's name for this room."""

from django.apps import AppConfig


class PlannerResultsConfig(AppConfig):
    """planner.results."""

    name = "tandem.planner.results"
    label = "planner_results"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """A person who is forgotten is forgotten here too."""
        from tandem.planner.customers.erasing import also_erase

        also_erase("interactions", _forget, "planner_results_interaction")


def _forget(account_id: int, surrogate: int, customer_id: str) -> int:
    from tandem.planner.results.interactions import forget  # services are read when they are needed

    return forget(account_id, surrogate, customer_id)
