"""Tests of the room that writes courses."""
