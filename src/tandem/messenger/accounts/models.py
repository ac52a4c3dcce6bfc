"""Customer accounts of the messenger, their users and API users."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from tandem.kit.installation_table import InstallationRow


class Account(models.Model):
    """A customer account; its id is the `customerId` of the REST paths."""

    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=200, unique=True)
    zone = models.CharField(max_length=64, help_text="IANA name.")
    currency = models.CharField(max_length=3)
    sms_part_cost = models.DecimalField(
        max_digits=9, decimal_places=4, null=True, help_text="What one part of an SMS costs, in its currency."
    )
    created_at = models.DateTimeField(auto_now_add=True)


class Role(models.TextChoices):
    """What a user may do."""

    ADMINISTRATOR = "administrator"
    EDITOR = "editor"
    ENGINEER = "engineer"
    VIEWER = "viewer"


class UserManager(BaseUserManager["User"]):
    """Looks users up by their address."""


class User(AbstractBaseUser):
    """A person who signs in to the messenger's pages."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.VIEWER)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "email"
    objects = UserManager()


class ApiUser(models.Model):
    """A program's way in: user and password (Basic) and a token under it."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    user_name = models.CharField(max_length=150)
    password_hash = models.CharField(max_length=255)
    token_hash = models.CharField(max_length=64, blank=True, db_index=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "user_name"], name="api_user_once")]


class Activity(models.Model):
    """Who did what, append only."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    actor = models.CharField(max_length=200)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["account", "-at"])]


class Installation(InstallationRow):
    """The homes that may work on this half's database."""
