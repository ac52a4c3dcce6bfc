from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("planner_modelling", "0002_segments"),
    ]

    operations = [
        migrations.AddField(
            model_name="segmentcuts",
            name="basis",
            field=models.CharField(default="no_model", max_length=20),
        ),
    ]
