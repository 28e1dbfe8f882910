"""What the results of a class say, as a page for its instructor."""
