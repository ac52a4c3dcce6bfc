"""Puts the halves together: settings, commands, processes, the demo."""
