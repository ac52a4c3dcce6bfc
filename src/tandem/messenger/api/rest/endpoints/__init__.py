"""The calls, by what they are about: a thin translation of what services answer."""
