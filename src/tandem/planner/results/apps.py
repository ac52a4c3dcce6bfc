"""Django's name for this room."""

from datetime import date
from pathlib import Path

from django.apps import AppConfig


class PlannerResultsConfig(AppConfig):
    """planner.results."""

    name = "tandem.planner.results"
    label = "planner_results"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """A person who is forgotten is forgotten here too; models may know what was sent, opened and clicked."""
        from tandem.planner.customers.erasing import also_erase
        from tandem.planner.modelling.learning.contact import Source, tell_by

        also_erase("interactions", _forget, "planner_results_interaction")
        tell_by(Source(any=_known, events=_events, figures=_figures))


def _forget(account_id: int, surrogate: int, customer_id: str) -> int:
    from tandem.planner.results.interactions import forget  # services are read when they are needed

    return forget(account_id, surrogate, customer_id)


def _known(account_id: int) -> bool:
    from tandem.planner.results import contact

    return contact.known(account_id)


def _events(account_id: int, until: date, only: str, file: Path) -> None:
    from tandem.planner.results import contact

    contact.write_events(account_id, until, only, file)


def _figures(account_id: int, day: date, file: Path) -> None:
    from tandem.planner.results import contact

    contact.write_figures(account_id, day, file)
