"""Less free room still in the ledger's pages: blocks are longer, so that a page has one or two changes at once."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messenger_delivery", "0013_uncertain")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE messenger_delivery_attempt SET (fillfactor = 92)",
            "ALTER TABLE messenger_delivery_attempt SET (fillfactor = 90)",
        )
    ]
