"""What can go wrong with test messages, in words."""

from tandem.kit.problems import Conflict, NotFound, Refused


class BadAddress(Refused):
    """An address or number that cannot be used."""

    title = "This address cannot be used"


class NotVerified(Refused):
    """A test was asked for to an address that nobody has verified."""

    title = "This address is not verified"


class BadTest(Refused):
    """The test cannot be sent as it was asked for."""

    title = "This test cannot be sent"


class WrongCode(Refused):
    """Another code, an old one, or one tried too often."""

    title = "This code is not right"


class TooManyTests(Conflict):
    """The hour's limit is reached."""

    title = "Too many within an hour"
    status = 429


class KeyUsedOtherwise(Refused):
    """A key under which another test was asked for."""

    title = "This key was used for something else"


class UnknownAddress(NotFound):
    """No such address in this account."""

    title = "No such test address"


class UnknownTest(NotFound):
    """No such test in this account."""

    title = "No such test"
