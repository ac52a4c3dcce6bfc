"""Every campaign has an action."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """After the data has been filled in, in a transaction of its own."""

    dependencies = [("planner_campaigns", "0005_actions")]

    operations = [
        migrations.AlterField(
            model_name="campaign",
            name="action",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="planner_campaigns.action",
            ),
        ),
    ]
