"""Who chose what becomes of a message in doubt, SMS never twice; less free room in the ledger's pages.

The rows of a sub-block lie apart, so that a page has few changes at once: a tenth of it is room enough.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messenger_delivery", "0011_retries")]

    operations = [
        migrations.AddField(
            model_name="sending",
            name="policy_by",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="Who chose the policy.", max_length=200
            ),
        ),
        migrations.AddConstraint(
            model_name="sending",
            constraint=models.CheckConstraint(
                condition=models.Q(policy="hold") | models.Q(policy="resend", channel="email"),
                name="sending_policy_of_channel",
            ),
        ),
        migrations.RunSQL(
            "ALTER TABLE messenger_delivery_attempt SET (fillfactor = 90)",
            "ALTER TABLE messenger_delivery_attempt SET (fillfactor = 45)",
        ),
    ]
