"""Lists frozen before: the control group is numbered after the test customers, as in new lists."""

from django.db import migrations

FORWARD = """
UPDATE planner_execution_listrow r
SET seq = n.seq
FROM (
    SELECT w.account_id, w.occurrence_id, w.customer,
           l.targeted + row_number() OVER (PARTITION BY w.account_id, w.occurrence_id ORDER BY w.customer) AS seq
    FROM planner_execution_listrow w
    JOIN planner_execution_customerlist l
      ON l.account_id = w.account_id AND l.occurrence_id = w.occurrence_id
    WHERE w.action = 1 AND w.seq IS NULL
) n
WHERE r.account_id = n.account_id AND r.occurrence_id = n.occurrence_id AND r.customer = n.customer;
"""
BACK = "UPDATE planner_execution_listrow SET seq = NULL WHERE action = 1;"


class Migration(migrations.Migration):
    """Only numbers rows; the hash of a list does not hold the control group's numbers."""

    dependencies = [("planner_execution", "0002_clearance")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
