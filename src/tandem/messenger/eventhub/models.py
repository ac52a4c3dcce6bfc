"""Mappings of the event hub, and the events that came."""

from django.db import models

from tandem.messenger.accounts.models import Account
from tandem.messenger.eventhub.domain import Action, EventState


class Mapping(models.Model):
    """What is done with events of a selector."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+", db_index=False)
    selector = models.CharField(max_length=200, help_text="Compared without case.")
    action = models.CharField(max_length=12, choices=[(a.value, a.value) for a in Action])
    target = models.BigIntegerField(help_text="A list; of SendTrigger a trigger.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "selector", "action"], name="hub_mapping_once")
        ]


class HubEvent(models.Model):
    """An event as it came in and what became of it; ids are in the order of arrival of an account."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+", db_index=False)
    event_id = models.CharField(max_length=200, null=True, help_text="The sender's own; worked off once.")
    type = models.CharField(max_length=200)
    selector = models.CharField(max_length=200)
    contact = models.CharField(max_length=200, blank=True)
    body = models.JSONField(help_text="Kept until it is worked off.", null=True)
    state = models.CharField(max_length=6, choices=[(s.value, s.value) for s in EventState])
    words = models.CharField(max_length=500)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "event_id"], name="hub_event_once")]
        indexes = [
            models.Index(fields=["account", "-id"], name="hub_event_latest"),
            models.Index(fields=["account", "contact"], name="hub_event_of_contact"),
        ]
