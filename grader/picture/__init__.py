"""The picture of a run: processes as lanes, and what went between them."""
