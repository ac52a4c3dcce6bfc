"""The product's faults: real processes broken on purpose, and the promise checked against the relay's own log."""
