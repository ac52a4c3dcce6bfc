"""What can be wrong with a condition or a target group."""

from tandem.kit.problems import Conflict, NotFound, Refused


class ConditionRefused(Refused):
    """The condition breaks a rule; `field` says where, as `rules.1.rules.0`."""

    title = "The condition is not right"


class TextRefused(ConditionRefused):
    """The text form cannot be read; `position` counts characters from 0."""

    title = "The text is not right"

    def __init__(self, detail: str, advice: str = "", *, position: int = 0) -> None:
        super().__init__(detail, advice, field="text")
        self.position = position


class GroupRefused(Refused):
    """The target group cannot be saved like this."""

    title = "The target group was not saved"


class GroupNotFound(NotFound):
    """No such target group in this account."""

    title = "No such target group"


class GroupInUse(Conflict):
    """Campaigns refer to the group."""

    title = "The target group is in use"
