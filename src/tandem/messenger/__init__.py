"""Symplify's role: projects, templates, contacts, delivery."""
