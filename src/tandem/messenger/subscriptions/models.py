"""What accounts, lists and projects say of their unsubscribe page."""

from django.db import models

from tandem.messenger.accounts.models import Account
from tandem.messenger.contacts.models import ContactList
from tandem.messenger.projects.models import Project


class UnsubscribePage(models.Model):
    """The settings of one level: a project's, a list's, or with neither the account's."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="+")
    list = models.ForeignKey(ContactList, models.CASCADE, null=True, related_name="+")
    external_url = models.CharField(max_length=500, blank=True, default="")
    language = models.CharField(max_length=2, blank=True, default="")
    words = models.JSONField(default=dict, help_text="Language -> heading and text.")
    modified_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "project", "list"], name="unsubscribe_page_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=models.Q(project=None) | models.Q(list=None), name="unsubscribe_page_level"
            ),
        ]
