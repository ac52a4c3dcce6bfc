"""What can go wrong with projects, triggers and their content."""

from collections.abc import Sequence

from tandem.kit.problems import Conflict, NotFound, Problem, Refused
from tandem.messenger.projects.domain import Fault


class UnknownProject(NotFound):
    """There is no such project in this account."""

    title = "No such project"


class UnknownTrigger(NotFound):
    """There is no such trigger, or version of it, in this account."""

    title = "No such trigger"


class UnknownSnippet(NotFound):
    """There is no such snippet in this account."""

    title = "No such snippet"


class BadProject(Refused):
    """Values of a project or trigger break a rule."""

    title = "This cannot be saved"


class NameTaken(Conflict):
    """The name is in use."""

    title = "The name is taken"


class VersionFixed(Conflict):
    """A version that was activated cannot be changed."""

    title = "An activated version cannot be changed"


class NotActive(Conflict):
    """The trigger has no active version."""

    title = "The trigger is not active"


class TemplateWrong(Refused):
    """The content does not compile; `problems` says where and why."""

    title = "The template has errors"

    def __init__(self, problems: Sequence[Fault]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            " ".join(f"{fault}" for fault in self.problems[:5]), "Mend the template and activate it again."
        )


class RenderError(Problem):
    """One message cannot be made; the others are not touched."""

    title = "The message cannot be made"
    status = 422
