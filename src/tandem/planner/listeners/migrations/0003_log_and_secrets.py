"""Causes of what was not told, rotation of signing secrets, and listeners that asked for quiet."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Columns only; rows of before have no cause and a secret nobody has seen."""

    dependencies = [("planner_listeners", "0002_event_details")]

    operations = [
        migrations.AddField(
            model_name="registration",
            name="secret_made_at",
            field=models.DateTimeField(help_text="When the secret was shown; null = never.", null=True),
        ),
        migrations.AddField(
            model_name="registration",
            name="old_secret",
            field=models.TextField(
                blank=True, default="", help_text="Sealed; signs the calls too, for a while."
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="registration",
            name="old_secret_until",
            field=models.DateTimeField(help_text="System time.", null=True),
        ),
        migrations.AddField(
            model_name="registration",
            name="quiet_until",
            field=models.DateTimeField(
                help_text="System time; it asked to be left alone till then.", null=True
            ),
        ),
        migrations.AddField(
            model_name="eventoutbox",
            name="cause",
            field=models.CharField(
                blank=True, default="", help_text="Why it will not be told any more.", max_length=300
            ),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="eventoutbox",
            index=models.Index(fields=["account", "state", "-id"], name="outbox_log"),
        ),
    ]
