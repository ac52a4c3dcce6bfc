"""Pages: alarms, their second paths, the runbook."""
