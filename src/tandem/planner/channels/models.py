"""Accounts at a messenger, their channels, and copies of their projects and templates."""

from django.db import models

from tandem.planner.accounts.models import Account


class ChannelAccount(models.Model):
    """The five fields of the integration; secrets sealed."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    api_url = models.CharField(max_length=500)
    customer_id = models.CharField(max_length=100)
    user_name = models.CharField(max_length=200, blank=True)
    password_sealed = models.TextField(blank=True)
    token_sealed = models.TextField(blank=True)
    list_id = models.BigIntegerField(null=True)
    profile = models.TextField(blank=True, help_text="TOML: how the messenger differs from the contract.")
    pushed = models.BooleanField(
        default=False, help_text="No messenger is connected; programs push the templates."
    )
    checked_at = models.DateTimeField(null=True)
    check_ok = models.BooleanField(null=True)
    templates_read_at = models.DateTimeField(null=True)
    consent_read_at = models.DateTimeField(null=True)
    consent_full_at = models.DateTimeField(null=True)
    consent_try_after = models.DateTimeField(
        null=True, help_text="After a failure: not asked again before this."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="channel_account_once")]


class Channel(models.Model):
    """An execution channel of the account: the id that stands on the wire, and what it sends."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    channel_account = models.ForeignKey(ChannelAccount, models.CASCADE, related_name="+")
    channel_id = models.BigIntegerField()
    kind = models.CharField(max_length=10)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "channel_id"], name="channel_id_once"),
            models.UniqueConstraint(fields=["account", "channel_account", "kind"], name="channel_kind_once"),
        ]


class ProjectCopy(models.Model):
    """A project as last read; `gone` = the messenger no longer has it."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    channel_account = models.ForeignKey(ChannelAccount, models.CASCADE, related_name="+")
    project_id = models.BigIntegerField()
    name = models.CharField(max_length=300)
    description = models.TextField(blank=True)
    gone = models.BooleanField(default=False)
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "channel_account", "project_id"], name="project_copy_once"
            )
        ]


class TemplateCopy(models.Model):
    """A template as last read. One that moved to another project stays in the old one as gone: plans refer to it."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    channel_account = models.ForeignKey(ChannelAccount, models.CASCADE, related_name="+")
    project_id = models.BigIntegerField()
    template_id = models.BigIntegerField()
    name = models.CharField(max_length=300)
    description = models.TextField(blank=True)
    channel = models.CharField(max_length=10)
    list_id = models.BigIntegerField(null=True)
    active = models.BooleanField()
    active_campaign = models.BigIntegerField(default=0)
    pushed = models.BooleanField(
        default=False, help_text="By a program; reading the messenger leaves it alone."
    )
    app_id = models.CharField(max_length=100, blank=True)
    gone = models.BooleanField(default=False)
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "channel_account", "project_id", "template_id"], name="template_copy_once"
            )
        ]


class ChannelApp(models.Model):
    """An app or brand that a program says its channel serves; templates name it."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    channel = models.ForeignKey(Channel, models.CASCADE, related_name="+")
    app_id = models.CharField(max_length=100)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "channel", "app_id"], name="channel_app_once")
        ]
