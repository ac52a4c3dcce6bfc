"""The one base of errors that people are told about."""


class Problem(Exception):
    """Something a person can mend; doors turn it into a sentence, a line or problem+json (RFC 9457).

    title: short, the same for every case of the class; detail: what is wrong here, in full sentences;
    advice: how to mend it; status: the HTTP status; exit_code: the command line's.
    """

    title = "That did not work"
    status = 400
    exit_code = 1

    def __init__(self, detail: str, advice: str = "", *, field: str = "") -> None:
        super().__init__(f"{detail} {advice}".strip())
        self.detail = detail
        self.advice = advice
        self.field = field


def in_words(error: Exception) -> str:
    """What went wrong, for people: of an error that is not meant for them only its kind."""
    return (
        f"{error.title}: {error.detail}"
        if isinstance(error, Problem)
        else f"{type(error).__name__}; the log says more."
    )


class NotFound(Problem):
    """The thing asked for is not there, or not this account's."""

    title = "Not found"
    status = 404
    exit_code = 4


class Refused(Problem):
    """The input breaks a rule."""

    title = "Refused"
    status = 422
    exit_code = 2


class Conflict(Problem):
    """The thing is in a state that does not allow this."""

    title = "Not possible now"
    status = 409


class OtherSideFailed(Problem):
    """The other half, a relay or a listener did not do its part."""

    title = "The other side failed"
    status = 502
    exit_code = 5


class NothingToDo(Problem):
    """There was nothing to do."""

    title = "Nothing to do"
    status = 409
    exit_code = 3
