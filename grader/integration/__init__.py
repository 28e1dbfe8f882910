"""What makes forklab part of other platforms."""
