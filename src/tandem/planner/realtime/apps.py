"""Django's name for this room."""

from django.apps import AppConfig


class PlannerRealtimeConfig(AppConfig):
    """planner.realtime."""

    name = "tandem.planner.realtime"
    label = "planner_realtime"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """A person who is forgotten is forgotten here too."""
        from tandem.planner.customers.erasing import also_erase

        also_erase(
            "real-time events",
            _forget,
            "planner_realtime_incomingevent",
            "planner_realtime_triggeredcustomer",
            "planner_listeners_event",
            "planner_listeners_eventattempt",
        )


def _forget(account_id: int, surrogate: int, customer_id: str) -> int:
    from tandem.planner.realtime.service.forget import forget_events  # services are read when they are needed

    return forget_events(account_id, surrogate, customer_id)
