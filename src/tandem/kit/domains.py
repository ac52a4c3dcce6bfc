"""Domain names as they go over the wire: IDNA 2008, in which ß, final sigma and joiners are letters of their own."""

import idna


def in_ascii(name: str) -> str:
    """The name in ASCII, as it is if it already was. ValueError if it can be none.

    Capitals, wide letters and ideographic dots are mapped first (UTS 46). Python's own codec `idna` is of 2003 and
    makes `strasse` of `straße`: another domain, of somebody else.
    """
    return name if name.isascii() else idna.encode(name, uts46=True, transitional=False).decode()
