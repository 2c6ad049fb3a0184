"""Provide what tests share: clips, images, processors, processes, and comparisons of results."""
