"""Django's name for this room."""

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tandem.planner.accounts.domain import KeyLimit


class PlannerAccountsConfig(AppConfig):
    """planner.accounts."""

    name = "tandem.planner.accounts"
    label = "planner_accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """A limit that cannot be read is said at the start, not to the first caller."""
        try:
            KeyLimit.parse(settings.TANDEM_KEY_LIMIT)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"TANDEM_KEY_LIMIT is {settings.TANDEM_KEY_LIMIT!r}. Write calls/seconds, as 50/10."
            ) from error
