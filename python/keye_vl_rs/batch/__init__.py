"""Preprocess many videos, several at once, for programs and for the command line.

- ``engine``: run tasks in threads, with bounded look-ahead.
- ``threads``: share the cores among the videos in flight.
- ``videos``: ``preprocess_videos``, a generator of results.
- ``dataset``: ``VideoDataset``, for the data loader of torch.
"""
