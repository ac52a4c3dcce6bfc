"""What accounts, lists and projects say of their unsubscribe page."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('messenger_accounts', '0002_sms_price'),
        ('messenger_contacts', '0007_counting'),
        ('messenger_projects', '0004_archived'),
    ]

    operations = [
        migrations.CreateModel(
            name='UnsubscribePage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_url', models.CharField(blank=True, default='', max_length=500)),
                ('language', models.CharField(blank=True, default='', max_length=2)),
                ('words', models.JSONField(default=dict, help_text='Language -> heading and text.')),
                ('modified_at', models.DateTimeField()),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='messenger_accounts.account')),
                ('list', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='messenger_contacts.contactlist')),
                ('project', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='messenger_projects.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('account', 'project', 'list'), name='unsubscribe_page_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('project', None), ('list', None), _connector='OR'), name='unsubscribe_page_level')],
            },
        ),
    ]
