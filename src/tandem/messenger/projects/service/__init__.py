"""Verbs of projects, triggers, versions and their rendering."""

from tandem.messenger.projects.service.folders import create_project, get_project, list_projects
from tandem.messenger.projects.service.rendering import compiled_version, preview, send_target
from tandem.messenger.projects.service.triggers import create_trigger, get_trigger, get_version, list_triggers
from tandem.messenger.projects.service.versions import activate, add_active_version, change_draft, save_draft

__all__ = [
    "activate",
    "add_active_version",
    "change_draft",
    "compiled_version",
    "create_project",
    "create_trigger",
    "get_project",
    "get_trigger",
    "get_version",
    "list_projects",
    "list_triggers",
    "preview",
    "save_draft",
    "send_target",
]
