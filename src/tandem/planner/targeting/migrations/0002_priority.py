import django.db.models.constraints
from django.db import migrations, models

IN_ORDER = """
UPDATE planner_targeting_targetgroup g SET priority = o.place FROM (
  SELECT id, row_number() OVER (PARTITION BY account_id ORDER BY id) AS place FROM planner_targeting_targetgroup
) o WHERE o.id = g.id
"""


class Migration(migrations.Migration):
    dependencies = [("planner_targeting", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="targetgroup",
            name="priority",
            field=models.PositiveIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.RunSQL(IN_ORDER, migrations.RunSQL.noop),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="targetgroup",
            constraint=models.UniqueConstraint(
                deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                fields=("account", "priority"),
                name="targetgroup_priority",
            ),
        ),
    ]
