"""The template must be one of the campaign's project, at the campaign's messenger: held by the database itself."""

from django.db import migrations

FORWARD = """
ALTER TABLE planner_realtime_realtimecampaign
    ADD CONSTRAINT real_time_template_is_in_the_project
    FOREIGN KEY (account_id, channel_account_id, project_id, template_id)
    REFERENCES planner_channels_templatecopy (account_id, channel_account_id, project_id, template_id)
    DEFERRABLE INITIALLY IMMEDIATE;
"""
BACK = "ALTER TABLE planner_realtime_realtimecampaign DROP CONSTRAINT real_time_template_is_in_the_project;"


class Migration(migrations.Migration):
    """A composite foreign key that Django cannot declare."""

    dependencies = [("planner_realtime", "0001_initial"), ("planner_channels", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
