"""One sender process: a database thread that intends and records rows, and the ways out that send them.

`desk` is the database side, `feed` the other; they meet in a feed's queues and nowhere else. `hosts` keep the ways out
at work, `life` is the process from its registration to the loss of its session.
"""
