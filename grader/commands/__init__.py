"""The commands of ``grade``: their arguments, and what they do with them.

Imported whenever ``grade`` starts, so what a command needs is imported where it is
needed.
"""
