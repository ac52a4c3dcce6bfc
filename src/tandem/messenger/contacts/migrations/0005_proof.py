"""What proves a change of consent; who wants a suppression; imports of the pages."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messenger_accounts', '0002_sms_price'),
        ('messenger_contacts', '0004_one_key_of_a_contact'),
    ]

    operations = [
        migrations.AddField(
            model_name='consentevent',
            name='actor',
            field=models.CharField(blank=True, db_default='', default='', max_length=150),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='attempt_id',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='business_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='detail',
            field=models.CharField(blank=True, db_default='', default='', max_length=500),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='door',
            field=models.CharField(blank=True, db_default='', default='', max_length=12),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='language',
            field=models.CharField(blank=True, db_default='', default='', max_length=12),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='scope',
            field=models.CharField(db_default='list', default='list', help_text='list or account', max_length=8),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='sending_id',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='url',
            field=models.CharField(blank=True, db_default='', default='', max_length=500),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='actor',
            field=models.CharField(blank=True, db_default='', default='', max_length=150),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='door',
            field=models.CharField(db_default='import', default='import', max_length=12),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='file_name',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='mapping',
            field=models.JSONField(help_text='Per column of the file: an attribute, empty, or +name to make it.', null=True),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='most_inactive',
            field=models.IntegerField(help_text='REPLACE ends if it would make more inactive.', null=True),
        ),
        migrations.AddField(
            model_name='importbatch',
            name='outcome',
            field=models.JSONField(help_text='What a dry run found.', null=True),
        ),
        migrations.AddField(
            model_name='suppression',
            name='origin',
            field=models.CharField(db_default='operator', default='operator', max_length=10),
        ),
        migrations.AlterField(
            model_name='consentevent',
            name='at',
            field=models.DateTimeField(help_text='Machine time.'),
        ),
        migrations.CreateModel(
            name='ConsentText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(help_text='unsubscribe, everything or subscribe', max_length=20)),
                ('language', models.CharField(max_length=12)),
                ('version', models.IntegerField()),
                ('words', models.TextField()),
                ('digest', models.CharField(max_length=64)),
                ('made_at', models.DateTimeField()),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='messenger_accounts.account')),
            ],
        ),
        migrations.AddField(
            model_name='consentevent',
            name='text',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='messenger_contacts.consenttext'),
        ),
        migrations.AddIndex(
            model_name='consentevent',
            index=models.Index(fields=['account', 'customer_key', 'id'], name='consent_of_customer'),
        ),
        migrations.AddConstraint(
            model_name='consenttext',
            constraint=models.UniqueConstraint(fields=('account', 'digest'), name='consent_words_once'),
        ),
        migrations.AddConstraint(
            model_name='consenttext',
            constraint=models.UniqueConstraint(fields=('account', 'kind', 'language', 'version'), name='consent_version_once'),
        ),
    ]
