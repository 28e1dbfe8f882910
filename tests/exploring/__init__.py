"""Searching for the interleaving in which a program fails."""
