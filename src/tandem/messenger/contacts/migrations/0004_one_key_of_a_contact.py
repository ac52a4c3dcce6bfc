"""One key of each contact to its list and its account, instead of two: half the work, and they belong together."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messenger_contacts", "0003_kept_files_and_short_pages")]

    operations = [
        migrations.AddConstraint(
            model_name="contactlist",
            constraint=models.UniqueConstraint(fields=["account", "id"], name="list_of_account"),
        ),
        migrations.AlterField(
            model_name="contact",
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
            model_name="contact",
            name="list",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="messenger_contacts.contactlist",
            ),
        ),
        migrations.RunSQL(
            "ALTER TABLE messenger_contacts_contact ADD CONSTRAINT contact_of_list"
            " FOREIGN KEY (account_id, list_id) REFERENCES messenger_contacts_contactlist (account_id, id)"
            " DEFERRABLE INITIALLY DEFERRED",
            "ALTER TABLE messenger_contacts_contact DROP CONSTRAINT contact_of_list",
        ),
    ]
