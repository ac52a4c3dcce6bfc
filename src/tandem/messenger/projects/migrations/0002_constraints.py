"""A version that was activated keeps its content."""

from django.db import migrations

MAKE = """
CREATE FUNCTION messenger_projects_keep_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'draft' AND (NEW.source IS DISTINCT FROM OLD.source OR NEW.compiled IS DISTINCT FROM OLD.compiled
     OR NEW.trigger_id <> OLD.trigger_id OR NEW.state = 'draft') THEN
    RAISE EXCEPTION 'an activated version keeps its content' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_version BEFORE UPDATE ON messenger_projects_triggerversion
  FOR EACH ROW EXECUTE FUNCTION messenger_projects_keep_version();
"""
DROP = """
DROP TRIGGER keep_version ON messenger_projects_triggerversion;
DROP FUNCTION messenger_projects_keep_version();
"""


class Migration(migrations.Migration):
    dependencies = [("messenger_projects", "0001_initial")]
    operations = [migrations.RunSQL(MAKE, DROP)]
