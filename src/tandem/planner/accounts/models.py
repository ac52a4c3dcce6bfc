"""Tenants, their users and their API credentials."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models

from tandem.kit.installation_table import InstallationRow


class Account(models.Model):
    """A tenant: everything else belongs to exactly one."""

    name = models.CharField(max_length=200, unique=True)
    zone = models.CharField(max_length=64, help_text="IANA name; wire times are in this zone.")
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField(auto_now_add=True)


class Role(models.TextChoices):
    """What a user may do."""

    ADMINISTRATOR = "administrator"
    MARKETER = "marketer"
    APPROVER = "approver"
    ENGINEER = "engineer"
    VIEWER = "viewer"


class UserManager(BaseUserManager["User"]):
    """Looks users up by their address."""


class User(AbstractBaseUser):
    """A person who signs in to the planner's pages."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.VIEWER)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "email"
    objects = UserManager()


class ApiCredential(models.Model):
    """A program's way in: user and password for login tokens, an API key, or both."""

    class Rights(models.TextChoices):
        """How much of the API it may call."""

        FULL = "full"
        THIRD_PARTY = "third party"

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    user_name = models.CharField(max_length=150, unique=True)
    password_hash = models.CharField(max_length=255)
    key_prefix = models.CharField(max_length=12, blank=True)
    key_hash = models.CharField(max_length=64, blank=True, db_index=True)
    old_key_hash = models.CharField(max_length=64, blank=True, db_index=True)
    old_key_until = models.DateTimeField(null=True, help_text="System time.")
    functions = models.JSONField(
        default=list, help_text="group/* or group/Function; empty = all its rights include."
    )
    networks = models.JSONField(default=list, help_text="CIDR; empty = from anywhere.")
    call_limit = models.IntegerField(
        null=True, help_text="Calls of its key in the window; null = the setting."
    )
    used_at = models.DateTimeField(null=True)
    used_from = models.CharField(max_length=45, blank=True)
    rights = models.CharField(max_length=12, choices=Rights.choices, default=Rights.FULL)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)


class LoginToken(models.Model):
    """A sliding 20-minute token of `general/login`; only its hash is kept."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    credential = models.ForeignKey(ApiCredential, models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField()


class KeyCalls(models.Model):
    """The recent calls of a key, shared by all processes; not logged, since nothing is lost with it."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    credential = models.OneToOneField(ApiCredential, models.CASCADE, related_name="+")
    calls = ArrayField(models.DateTimeField())
    free_at = models.DateTimeField(null=True, help_text="When a refused call would be let through.")


class Activity(models.Model):
    """Who did what, append only."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    actor = models.CharField(max_length=200)
    action = models.CharField(max_length=60, help_text="object.verb, as campaign.scheduled")
    subject = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["account", "-at"])]


class Installation(InstallationRow):
    """The homes that may work on this half's database."""
