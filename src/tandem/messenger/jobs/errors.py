"""What can go wrong with generation jobs."""

from tandem.kit.problems import Conflict, NotFound, Refused


class UnknownJob(NotFound):
    """There is no such job in this account."""

    title = "No such job"


class BadJob(Refused):
    """What a job asks for cannot be done."""

    title = "The job cannot be made"
    status = 400


class UploadedBefore(Conflict):
    """The job has its recipients."""

    title = "The job has its recipients"
