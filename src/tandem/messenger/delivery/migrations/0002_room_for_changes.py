"""Room in each page for the two changes of a row's life, so that they touch no index."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messenger_delivery", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE messenger_delivery_attempt SET (fillfactor = 45)",
            "ALTER TABLE messenger_delivery_attempt RESET (fillfactor)",
        )
    ]
