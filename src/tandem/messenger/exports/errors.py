"""What can go wrong with exports."""

from tandem.kit.problems import Conflict, NotFound, Problem, Refused


class BadExport(Refused):
    """What is asked for is not exported."""

    title = "This cannot be exported"
    status = 400


class UnknownExport(NotFound):
    """There is no such export, or its result has expired."""

    title = "No such export"


class NotFinished(Conflict):
    """The export is still being made."""

    title = "The export is not finished"


class BadLink(Problem):
    """The link to a result is not one of ours, or it has expired."""

    title = "This link does not count"
    status = 403
