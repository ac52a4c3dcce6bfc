"""The table of the homes that may work on a database, made by each half in its own room."""

from django.db import models


class InstallationRow(models.Model):
    """A home that may work on this database (`tandem.kit.installation`); of no account."""

    instance = models.CharField(max_length=64, unique=True)
    inode = models.DecimalField(max_digits=20, decimal_places=0)
    changed = models.BigIntegerField()
    machine = models.CharField(max_length=64)
    system_identifier = models.BigIntegerField()
    since = models.DateTimeField()

    class Meta:
        abstract = True
        db_table = "tandem_installation"
