"""Intervals of micro-segments, and what value segments are worth."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('planner_accounts', '0002_api_keys'),
        ('planner_modelling', '0004_model_runs'),
    ]

    operations = [
        migrations.AddField(
            model_name='microsegment',
            name='churn_high',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='microsegment',
            name='churn_low',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='microsegment',
            name='value_high',
            field=models.DecimalField(decimal_places=2, max_digits=18, null=True),
        ),
        migrations.AddField(
            model_name='microsegment',
            name='value_low',
            field=models.DecimalField(decimal_places=2, max_digits=18, null=True),
        ),
        migrations.CreateModel(
            name='ValueSegmentWorth',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('place', models.IntegerField()),
                ('members', models.BigIntegerField()),
                ('future_value', models.DecimalField(decimal_places=2, max_digits=18)),
                ('churn_rate', models.FloatField()),
                ('value_low', models.DecimalField(decimal_places=2, max_digits=18, null=True)),
                ('value_high', models.DecimalField(decimal_places=2, max_digits=18, null=True)),
                ('churn_low', models.FloatField(null=True)),
                ('churn_high', models.FloatField(null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='planner_accounts.account')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('account', 'place'), name='valuesegmentworth_once')],
            },
        ),
    ]
