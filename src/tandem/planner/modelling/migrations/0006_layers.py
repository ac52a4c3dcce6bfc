"""How each stage is to be cut into micro-segments."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('planner_accounts', '0002_api_keys'),
        ('planner_modelling', '0005_worth'),
    ]

    operations = [
        migrations.AddField(
            model_name='segmentcuts',
            name='methods',
            field=models.JSONField(default=dict),
        ),
        migrations.CreateModel(
            name='LayerMethods',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('methods', models.JSONField()),
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='planner_accounts.account')),
            ],
        ),
    ]
