"""Why a list could not be made or shown."""

from tandem.kit.problems import Conflict, NotFound


class NoList(NotFound):
    """The list is not made yet."""

    title = "No customer list yet"


class CannotRun(Conflict):
    """The occurrence cannot be run now."""

    title = "Not possible now"


class NoAction(NotFound):
    """The customer was in no campaign yet."""

    title = "No action yet"


class NotToClear(Conflict):
    """The campaign does not wait for clearance, or no longer."""

    title = "Nothing to clear"
