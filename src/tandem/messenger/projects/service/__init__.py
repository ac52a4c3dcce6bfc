"""Verbs of projects, triggers, versions and their rendering."""

from tandem.messenger.projects.service.archive import (
    archive_project,
    archive_trigger,
    restore_project,
    restore_trigger,
)
from tandem.messenger.projects.service.checking import check
from tandem.messenger.projects.service.folders import (
    change_project,
    create_project,
    get_project,
    list_projects,
)
from tandem.messenger.projects.service.rendering import (
    check_version,
    compiled_or_draft,
    compiled_version,
    fallbacks_of,
    preview,
    send_target,
)
from tandem.messenger.projects.service.snippets import (
    delete_snippet,
    get_snippet,
    list_snippets,
    save_snippet,
)
from tandem.messenger.projects.service.triggers import (
    change_trigger,
    create_trigger,
    get_trigger,
    get_version,
    list_triggers,
)
from tandem.messenger.projects.service.versions import (
    activate,
    add_active_version,
    change_draft,
    links_of,
    save_draft,
)

__all__ = [
    "activate",
    "add_active_version",
    "archive_project",
    "archive_trigger",
    "change_draft",
    "change_project",
    "change_trigger",
    "check",
    "check_version",
    "compiled_or_draft",
    "compiled_version",
    "create_project",
    "create_trigger",
    "delete_snippet",
    "fallbacks_of",
    "get_project",
    "get_snippet",
    "get_trigger",
    "get_version",
    "links_of",
    "list_projects",
    "list_snippets",
    "list_triggers",
    "preview",
    "restore_project",
    "restore_trigger",
    "save_draft",
    "save_snippet",
    "send_target",
]
