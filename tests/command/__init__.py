"""The command, as its users call it."""
