"""From a recording to findings. One module a family, one text file a diagnosis."""
