"""Control characters that stand in a compiled part for what every message has of its own; no text holds them."""

#: the address of the unsubscribe page
SLOT = b"\x01"
#: the picture whose fetching is an opening
PIXEL = b"\x02"
#: how the message's counting links begin; a link's number follows
LINK = b"\x03"
#: around a link with values: its number, a blank, its address
OPEN = b"\x04"
CLOSE = b"\x05"
#: what is put in as it stands
FILLED = (SLOT, PIXEL, LINK)
ALL = (*FILLED, OPEN, CLOSE)
