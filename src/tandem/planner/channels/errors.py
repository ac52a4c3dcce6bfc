"""What can go wrong with an account at a messenger."""

from tandem.kit.problems import Conflict, NotFound, OtherSideFailed, Refused


class NoSuchChannelAccount(NotFound):
    """No such account at a messenger, or another tenant's."""

    title = "No such account at a messenger"


class NoSuchTemplate(NotFound):
    """The template is not among those last read."""

    title = "No such template"


class SettingsWrong(Refused):
    """One of the five fields cannot be right."""

    title = "The connection's settings are wrong"


class ChannelTaken(Refused):
    """A channel id or name is in use."""

    title = "Already in use"


class StillUsed(Conflict):
    """Campaigns refer to the account."""

    title = "Still in use"


class ImportFailed(OtherSideFailed):
    """The messenger did not take the contacts."""

    title = "The messenger did not take the contacts"


class NoMessenger(Refused):
    """The channel has no messenger; a program serves it."""

    title = "No messenger is connected"
