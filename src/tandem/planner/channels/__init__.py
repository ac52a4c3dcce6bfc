"""Accounts at a messenger; its projects and templates, read and cached; previews."""
