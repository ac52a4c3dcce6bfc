"""The order in which senders claim blocks, as an index: a claim reads one of those that wait, not all of them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messenger_delivery", "0017_no_rate_of_an_account")]

    operations = [
        migrations.AddIndex(
            model_name="block",
            index=models.Index(
                models.F("first_seq") + models.F("fence") * 8000,
                "next_at",
                "id",
                condition=models.Q(done=False, sender__isnull=True),
                name="block_in_turn",
            ),
        ),
    ]
