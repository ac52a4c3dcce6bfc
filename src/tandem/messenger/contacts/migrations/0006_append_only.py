"""Proofs of consent are only ever added; forgetting a person takes the contact, the page and the remark away."""

from django.db import migrations

MAKE = """
CREATE FUNCTION messenger_contacts_keep_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE'
     AND to_jsonb(NEW) - 'contact_id' - 'url' - 'detail' = to_jsonb(OLD) - 'contact_id' - 'url' - 'detail'
     AND (NEW.contact_id IS NULL OR NEW.contact_id IS NOT DISTINCT FROM OLD.contact_id)
     AND NEW.url IN ('', OLD.url) AND NEW.detail IN ('', OLD.detail) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a proof of consent is kept as it is' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER keep_proof BEFORE UPDATE OR DELETE ON messenger_contacts_consentevent
  FOR EACH ROW EXECUTE FUNCTION messenger_contacts_keep_proof();
CREATE FUNCTION messenger_contacts_keep_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the words of a consent are kept as they are' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER keep_words BEFORE UPDATE OR DELETE ON messenger_contacts_consenttext
  FOR EACH ROW EXECUTE FUNCTION messenger_contacts_keep_words();
"""
DROP = """
DROP TRIGGER keep_words ON messenger_contacts_consenttext;
DROP FUNCTION messenger_contacts_keep_words();
DROP TRIGGER keep_proof ON messenger_contacts_consentevent;
DROP FUNCTION messenger_contacts_keep_proof();
"""
ERASED = "UPDATE messenger_contacts_suppression SET origin = 'erasure' WHERE reason = 'forgotten'"


class Migration(migrations.Migration):
    dependencies = [("messenger_contacts", "0005_proof")]
    operations = [migrations.RunSQL(ERASED, migrations.RunSQL.noop), migrations.RunSQL(MAKE, DROP)]
