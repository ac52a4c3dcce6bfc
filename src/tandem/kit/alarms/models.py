"""The tables of alarms, made by each half in its own room."""

from typing import Any

from django.db import models

from tandem.kit.alarms.domain import Kind, What

PATHS = ("webhook", "mail")


def alarm_account(account: type[models.Model]) -> "models.ForeignKey[Any, Any]":
    """Whose alarm it is."""
    return models.ForeignKey(
        account, models.CASCADE, null=True, related_name="+", help_text="Null = the whole installation."
    )


def telling_account(account: type[models.Model]) -> "models.ForeignKey[Any, Any]":
    """By whose path it is told."""
    return models.ForeignKey(
        account,
        models.CASCADE,
        null=True,
        related_name="+",
        help_text="Whose path; null = the installation's.",
    )


def open_once(half: str) -> models.UniqueConstraint:
    """One open alarm of a kind and a subject in an account, or in the installation."""
    return models.UniqueConstraint(
        fields=["account", "kind", "subject"],
        condition=models.Q(ended_at__isnull=True),
        nulls_distinct=False,
        name=f"{half}_alarm_open_once",
    )


def newest(half: str) -> models.Index:
    """An account's alarms, the newest first."""
    return models.Index(fields=["account", "-since"], name=f"{half}_alarm_newest")


def told_once(half: str) -> models.UniqueConstraint:
    """The same thing is told once by a path."""
    return models.UniqueConstraint(
        fields=["account", "alarm", "path", "what", "made_at"],
        nulls_distinct=False,
        name=f"{half}_alarm_told_once",
    )


def due(half: str) -> models.Index:
    """What a path still has to tell."""
    return models.Index(
        fields=["account", "path", "next_at"],
        condition=models.Q(next_at__isnull=False),
        name=f"{half}_alarm_due",
    )


class AlarmBase(models.Model):
    """Something that is or was wrong; no account = the whole installation. The concrete class brings `account`."""

    kind = models.CharField(max_length=20, choices=[(k.value, k.words) for k in Kind])
    subject = models.CharField(max_length=100)
    detail = models.CharField(max_length=400)
    since = models.DateTimeField(help_text="Machine time, like all here.")
    seen_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, help_text="Last; null = it has not lasted long enough yet.")
    ended_at = models.DateTimeField(null=True)
    silenced_by = models.CharField(
        max_length=200, blank=True, default="", help_text="Who wants no reminders."
    )

    class Meta:
        abstract = True


class TellingBase(models.Model):
    """One thing to tell by one path until it is told; no account = by the installation's own path."""

    path = models.CharField(max_length=10, choices=[(p, p) for p in PATHS])
    what = models.CharField(max_length=10, choices=[(w.value, w.value) for w in What])
    made_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True, help_text="Null = told, or given up.")
    tries = models.IntegerField(default=0)
    done_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        abstract = True


class WayBase(models.Model):
    """An account's own second path, beside the installation's."""

    url = models.CharField(max_length=1000, blank=True, default="")
    secret_sealed = models.TextField(blank=True, default="")
    mail = models.CharField(max_length=320, blank=True, default="")
    changed_at = models.DateTimeField()

    class Meta:
        abstract = True


class LookBase(models.Model):
    """When the watch last looked: one row."""

    at = models.DateTimeField()

    class Meta:
        abstract = True
