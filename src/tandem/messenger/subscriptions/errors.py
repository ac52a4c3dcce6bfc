"""What can go wrong with the pages' settings."""

from tandem.kit.problems import Refused


class BadPage(Refused):
    """A page's settings break a rule."""

    title = "This page cannot be saved"
