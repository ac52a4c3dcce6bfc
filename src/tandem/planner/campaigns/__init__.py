"""Campaign plans: group, channel, one project, its templates, date, time, control share; their states."""
