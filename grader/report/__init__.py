"""Verdicts and recordings as text, for people and for other programs."""
