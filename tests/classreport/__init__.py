"""The report on a class, read by programs and in a browser."""
