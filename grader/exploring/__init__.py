"""Every interleaving that matters: find, shrink and repeat the one that fails.

A run under the tracer is serial, so an interleaving is a list of choices: whose turn
it was where more than one process could run (`choices`). A search makes runs that
choose otherwise (`search`), only where that could make a difference (`footprint`), and
reduces what failed to the fewest choices that still do (`shrink`).
"""
