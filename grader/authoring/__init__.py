"""Writing a course: exercises to begin with, and the proof that they are in order."""
