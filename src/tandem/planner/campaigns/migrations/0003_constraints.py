"""A template must be one of the campaign's project, at the campaign's messenger: held by the database itself."""

from django.db import migrations

FORWARD = """
ALTER TABLE planner_campaigns_campaign
    ADD CONSTRAINT campaign_project_key UNIQUE (account_id, id, channel_account_id, project_id);
ALTER TABLE planner_campaigns_campaigntemplate
    ADD CONSTRAINT template_of_the_campaigns_project
    FOREIGN KEY (account_id, campaign_id, channel_account_id, project_id)
    REFERENCES planner_campaigns_campaign (account_id, id, channel_account_id, project_id)
    DEFERRABLE INITIALLY IMMEDIATE;
ALTER TABLE planner_campaigns_campaigntemplate
    ADD CONSTRAINT template_is_in_the_project
    FOREIGN KEY (account_id, channel_account_id, project_id, template_id)
    REFERENCES planner_channels_templatecopy (account_id, channel_account_id, project_id, template_id)
    DEFERRABLE INITIALLY IMMEDIATE;
ALTER TABLE planner_campaigns_campaign
    ADD CONSTRAINT campaign_project_exists
    FOREIGN KEY (account_id, channel_account_id, project_id)
    REFERENCES planner_channels_projectcopy (account_id, channel_account_id, project_id)
    DEFERRABLE INITIALLY IMMEDIATE;
ALTER TABLE planner_campaigns_occurrence
    ADD CONSTRAINT occurrence_channel_exists
    FOREIGN KEY (account_id, channel_id)
    REFERENCES planner_channels_channel (account_id, channel_id)
    DEFERRABLE INITIALLY IMMEDIATE;
"""
BACK = """
ALTER TABLE planner_campaigns_occurrence DROP CONSTRAINT occurrence_channel_exists;
ALTER TABLE planner_campaigns_campaign DROP CONSTRAINT campaign_project_exists;
ALTER TABLE planner_campaigns_campaigntemplate DROP CONSTRAINT template_is_in_the_project;
ALTER TABLE planner_campaigns_campaigntemplate DROP CONSTRAINT template_of_the_campaigns_project;
ALTER TABLE planner_campaigns_campaign DROP CONSTRAINT campaign_project_key;
"""


class Migration(migrations.Migration):
    """Composite foreign keys that Django cannot declare."""

    dependencies = [("planner_campaigns", "0002_initial"), ("planner_channels", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
