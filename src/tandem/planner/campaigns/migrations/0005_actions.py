"""Campaigns planned before there were actions offer an action of their own name."""

from django.db import migrations

FORWARD = """
WITH named AS (
    SELECT account_id, min(id) AS first, lower(word) AS folded, (array_agg(word ORDER BY id))[1] AS name
    FROM (
        SELECT account_id, id, CASE WHEN lower(name) = 'dn' THEN name || ' (action)' ELSE name END AS word
        FROM planner_campaigns_campaign WHERE action_id IS NULL
    ) AS planned
    GROUP BY account_id, lower(word)
)
INSERT INTO planner_campaigns_action (account_id, number, name)
SELECT account_id, 1 + row_number() OVER (PARTITION BY account_id ORDER BY first), name FROM named;
UPDATE planner_campaigns_campaign c
SET action_id = a.id
FROM planner_campaigns_action a
WHERE a.account_id = c.account_id AND c.action_id IS NULL
  AND lower(a.name) = lower(CASE WHEN lower(c.name) = 'dn' THEN c.name || ' (action)' ELSE c.name END);
"""
BACK = """
UPDATE planner_campaigns_campaign SET action_id = NULL;
DELETE FROM planner_campaigns_action;
"""


class Migration(migrations.Migration):
    """One action per name, numbered from 2 in the order of the campaigns."""

    dependencies = [("planner_campaigns", "0004_offers")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
