"""Customers whom a planner took off a campaign."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messenger_accounts", "0001_initial"),
        ("messenger_delivery", "0004_one_key_of_a_row"),
    ]

    operations = [
        migrations.CreateModel(
            name="CancelledCustomer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("campaign_id", models.BigIntegerField(help_text="The planner's CampaignID.")),
                ("customer", models.TextField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="messenger_accounts.account",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["account", "customer"], name="cancelled_customer")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "campaign_id", "customer"), name="cancelled_customer_once"
                    )
                ],
            },
        ),
    ]
