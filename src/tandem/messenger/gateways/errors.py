"""What can go wrong with a gateway, in words."""

from tandem.kit.problems import NotFound, OtherSideFailed, Refused


class GatewayWrong(Refused):
    """What was said about a gateway cannot be used."""

    title = "The gateway cannot be set up like this"


class NoGateway(NotFound):
    """The account has no SMS gateway."""

    title = "No SMS gateway"


class UnknownDoor(NotFound):
    """The address of a call-back is not one of ours."""

    title = "Nothing at this address"


class BadSignature(Refused):
    """A call-back's signature is missing or wrong."""

    title = "The signature is wrong"
    status = 403


class GatewayDown(OtherSideFailed):
    """The gateway cannot be reached, or does not let us in; nothing has left."""

    title = "The SMS gateway does not take messages"
