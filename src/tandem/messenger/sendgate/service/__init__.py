"""Verbs of Send Gate: look at what is held, ask the gate, take its answer, let go."""

from tandem.messenger.sendgate.service.asking import ask, look, to_ask
from tandem.messenger.sendgate.service.file import open_file
from tandem.messenger.sendgate.service.finishing import finish, let_go
from tandem.messenger.sendgate.service.looking import hold_of, holds

__all__ = ["ask", "finish", "hold_of", "holds", "let_go", "look", "open_file", "to_ask"]
