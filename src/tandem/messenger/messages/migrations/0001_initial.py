import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("messenger_accounts", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="MessageKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=200)),
                ("digest", models.CharField(max_length=64)),
                ("message_id", models.BigIntegerField()),
                ("words", models.CharField(max_length=500)),
                ("at", models.DateTimeField()),
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
                "indexes": [models.Index(fields=["account", "at"], name="message_key_age")],
                "constraints": [models.UniqueConstraint(fields=("account", "key"), name="message_key_once")],
            },
        ),
    ]
