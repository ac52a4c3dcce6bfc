"""A sending's own pace, and why it paused by itself."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Columns with defaults of the database, so that the release before may still write."""

    dependencies = [("messenger_delivery", "0009_dkim_keys")]

    operations = [
        migrations.AddField(
            "sending",
            "rate_per_second",
            models.FloatField(help_text="Its own limit of pace; none = no limit.", null=True),
        ),
        migrations.AddField(
            "sending",
            "paused_because",
            models.CharField(
                blank=True, db_default="", default="", help_text="Why it paused by itself.", max_length=300
            ),
        ),
        migrations.AddField(
            "sending",
            "overruled",
            models.BooleanField(
                db_default=False,
                default=False,
                help_text="A person let it go on; it pauses by itself no more.",
            ),
        ),
    ]
