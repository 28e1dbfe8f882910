"""Submissions that attack: what they must not gain, reach, or leave behind."""
