"""What attributes may be used for, and objections to profiling."""

import django.db.models.deletion
from django.db import migrations, models

from tandem.planner.customers.purposes import suggested


def suggest(apps, editor):
    """Attributes of before get the purpose their names suggest."""
    for row in apps.get_model("planner_customers", "ProfileAttribute").objects.all():
        row.purpose = str(suggested(f"{row.name} {row.label}")[0])
        row.save(update_fields=["purpose"])


class Migration(migrations.Migration):
    dependencies = [
        ("planner_accounts", "0002_api_keys"),
        ("planner_customers", "0003_channel_preferences"),
    ]

    operations = [
        migrations.AddField(
            model_name="profileattribute",
            name="purpose",
            field=models.CharField(default="models", max_length=10),
        ),
        migrations.CreateModel(
            name="ProfilingObjection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("by", models.CharField(help_text="Who wrote it down.", max_length=200)),
                ("how", models.CharField(help_text="How the person said it.", max_length=200)),
                ("lifted_at", models.DateTimeField(null=True)),
                ("lifted_by", models.CharField(blank=True, default="", max_length=200)),
                ("lifted_how", models.CharField(blank=True, default="", max_length=200)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="planner_accounts.account",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="planner_customers.customer",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("lifted_at", None)),
                        fields=("account", "customer"),
                        name="profiling_objection_once",
                    )
                ],
            },
        ),
        migrations.RunPython(suggest, migrations.RunPython.noop, elidable=True),
    ]
