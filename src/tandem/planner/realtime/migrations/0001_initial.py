

import django.db.models.deletion
import django.db.models.functions.text
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('planner_accounts', '0001_initial'),
        ('planner_channels', '0001_initial'),
        ('planner_customers', '0001_initial'),
        ('planner_targeting', '0002_priority'),
    ]

    operations = [
        migrations.CreateModel(
            name='IncomingEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_id', models.CharField(max_length=100)),
                ('name', models.CharField(max_length=100)),
                ('at', models.DateTimeField(help_text='Business time.')),
                ('received_at', models.DateTimeField(help_text='System time.')),
                ('properties', models.JSONField(default=dict)),
                ('fingerprint', models.CharField(max_length=64)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='planner_accounts.account')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='planner_customers.customer')),
            ],
        ),
        migrations.CreateModel(
            name='RealTimeCampaign',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, unique=True)),
                ('name', models.CharField(max_length=200)),
                ('event_name', models.CharField(max_length=100)),
                ('conditions', models.JSONField(default=list)),
                ('kind', models.CharField(max_length=10)),
                ('project_id', models.BigIntegerField()),
                ('template_id', models.BigIntegerField()),
                ('promo_code', models.CharField(blank=True, max_length=100)),
                ('cap_hours', models.IntegerField()),
                ('control_percent', models.DecimalField(decimal_places=2, max_digits=5)),
                ('late_minutes', models.IntegerField()),
                ('active', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField()),
                ('changed_at', models.DateTimeField()),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='planner_accounts.account')),
                ('channel_account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='planner_channels.channelaccount')),
                ('group', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='planner_targeting.targetgroup')),
            ],
        ),
        migrations.CreateModel(
            name='RealTimeTotal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('metric_id', models.IntegerField()),
                ('total', models.BigIntegerField(default=0)),
                ('updated_at', models.DateTimeField()),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='planner_accounts.account')),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='planner_realtime.realtimecampaign')),
            ],
        ),
        migrations.CreateModel(
            name='TriggeredCustomer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, help_text='The eventID of event 11.', unique=True)),
                ('at', models.DateTimeField(help_text='Business time.')),
                ('outcome', models.CharField(max_length=20)),
                ('told_event', models.BigIntegerField(help_text="The listeners' event.", null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='planner_accounts.account')),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='planner_realtime.realtimecampaign')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='planner_customers.customer')),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='planner_realtime.incomingevent')),
            ],
        ),
        migrations.AddIndex(
            model_name='incomingevent',
            index=models.Index(fields=['account', 'received_at'], name='planner_rea_account_173ccf_idx'),
        ),
        migrations.AddConstraint(
            model_name='incomingevent',
            constraint=models.UniqueConstraint(fields=('account', 'event_id'), name='incoming_event_once'),
        ),
        migrations.AddIndex(
            model_name='realtimecampaign',
            index=models.Index(models.F('account'), django.db.models.functions.text.Lower('event_name'), condition=models.Q(('active', True)), name='real_time_waiting_for'),
        ),
        migrations.AddConstraint(
            model_name='realtimecampaign',
            constraint=models.UniqueConstraint(models.F('account'), django.db.models.functions.text.Lower('name'), name='real_time_name_once'),
        ),
        migrations.AddConstraint(
            model_name='realtimetotal',
            constraint=models.UniqueConstraint(fields=('account', 'campaign', 'metric_id'), name='real_time_total_once'),
        ),
        migrations.AddIndex(
            model_name='triggeredcustomer',
            index=models.Index(fields=['account', 'campaign', 'customer', '-at'], name='triggered_before'),
        ),
        migrations.AddConstraint(
            model_name='triggeredcustomer',
            constraint=models.UniqueConstraint(fields=('account', 'campaign', 'event'), name='triggered_customer_once'),
        ),
    ]
