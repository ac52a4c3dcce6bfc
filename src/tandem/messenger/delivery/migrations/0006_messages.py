"""What a message needs beside a campaign: opt-outs that a template ignores, numbers per version, quick look-ups."""

import django.db.models.deletion
from django.db import migrations, models

#: of sendings that have ended already; a template of a sending has one version
_COUNT = """
INSERT INTO messenger_delivery_versioncount (account_id, version_id, what, number)
SELECT t.account_id, t.version_id, (line ->> 'state')::smallint, sum((line ->> 'rows')::bigint)
FROM messenger_delivery_sending s
CROSS JOIN LATERAL jsonb_array_elements(s.totals) AS line
JOIN messenger_delivery_sendingtemplate t
  ON t.account_id = s.account_id AND t.sending_id = s.id AND t.template_id = (line ->> 'template')::bigint
WHERE s.totals IS NOT NULL AND s.finished_at IS NOT NULL
GROUP BY 1, 2, 3
"""


class Migration(migrations.Migration):
    dependencies = [
        ("messenger_accounts", "0001_initial"),
        ("messenger_delivery", "0005_cancelled_customers"),
    ]

    operations = [
        migrations.AddField(
            model_name="sendingtemplate",
            name="ignore_opt_out",
            field=models.BooleanField(
                db_default=False, default=False, help_text="Sent to unsubscribed contacts too."
            ),
        ),
        migrations.AddIndex(
            model_name="sendingtemplate",
            index=models.Index(fields=["account", "template_id", "-due_at", "-id"], name="sending_of_template"),
        ),
        migrations.AddIndex(
            model_name="sendingtemplate",
            index=models.Index(fields=["account", "list_id", "-due_at", "-id"], name="sending_of_list"),
        ),
        migrations.AddIndex(
            model_name="sending",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", True)), fields=["account"], name="sending_open"
            ),
        ),
        migrations.CreateModel(
            name="VersionCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version_id", models.BigIntegerField()),
                ("what", models.SmallIntegerField()),
                ("number", models.BigIntegerField()),
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "version_id", "what"), name="version_count_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(_COUNT, "DELETE FROM messenger_delivery_versioncount"),
    ]
