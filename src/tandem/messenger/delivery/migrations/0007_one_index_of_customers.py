"""A customer once per sending, in an index that also finds all of a customer: one text less to sort into per row."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messenger_delivery", "0006_messages")]

    operations = [
        migrations.RemoveConstraint(model_name="attempt", name="attempt_once"),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.UniqueConstraint(
                fields=["account", "customer", "sending"], name="attempt_once"
            ),
        ),
        migrations.RemoveIndex(model_name="attempt", name="attempt_customer"),
    ]
