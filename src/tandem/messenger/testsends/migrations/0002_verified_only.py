from django.db import migrations

MAKE = """
CREATE FUNCTION messenger_testsends_verified_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.kind <> 'code' AND NOT EXISTS (
        SELECT 1 FROM messenger_testsends_allowedaddress allowed
        WHERE allowed.account_id = NEW.account_id AND allowed.channel = NEW.channel AND allowed.key = NEW.key
          AND allowed.verified_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'a test goes to verified addresses only' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER verified_only BEFORE INSERT OR UPDATE OF key, channel, kind, account_id
    ON messenger_testsends_senttest FOR EACH ROW EXECUTE FUNCTION messenger_testsends_verified_only();
"""
TAKE_BACK = """
DROP TRIGGER verified_only ON messenger_testsends_senttest;
DROP FUNCTION messenger_testsends_verified_only();
"""


class Migration(migrations.Migration):
    dependencies = [("messenger_testsends", "0001_initial")]

    operations = [migrations.RunSQL(MAKE, TAKE_BACK)]
