"""One key of each ledger row to its sending and its account, instead of two: half the work, and they belong together."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messenger_delivery", "0003_real_time")]

    operations = [
        migrations.AddConstraint(
            model_name="sending",
            constraint=models.UniqueConstraint(fields=["account", "id"], name="sending_of_account"),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="messenger_accounts.account",
            ),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="sending",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="messenger_delivery.sending",
            ),
        ),
        migrations.RunSQL(
            "ALTER TABLE messenger_delivery_attempt ADD CONSTRAINT attempt_of_sending"
            " FOREIGN KEY (account_id, sending_id) REFERENCES messenger_delivery_sending (account_id, id)"
            " DEFERRABLE INITIALLY DEFERRED",
            "ALTER TABLE messenger_delivery_attempt DROP CONSTRAINT attempt_of_sending",
        ),
    ]
