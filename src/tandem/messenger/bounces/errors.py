"""What can go wrong with mail that comes back."""

from tandem.kit.problems import NotFound, Refused


class UnknownMail(NotFound):
    """There is no such mail in quarantine."""

    title = "No such mail"


class NotOurs(Refused):
    """A mail is for none of our addresses."""

    title = "Not one of our addresses"


class NothingProven(Refused):
    """A mail names nobody who may be acted upon."""

    title = "Nothing to act upon"


class NoCertificate(Refused):
    """What the door should show of itself under TLS cannot be read."""

    title = "The certificate of the mail door cannot be used"


class BadReplyAddress(Refused):
    """Replies cannot go there."""

    title = "Replies cannot go there"
