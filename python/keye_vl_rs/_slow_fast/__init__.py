"""Classify frames as slow or fast, and compute their sizes under the token budget.

A frame is slow if much has changed since the last slow one, and fast otherwise; slow frames get
more tokens.

- ``frames`` checks frames and types that callers pass.
- ``similarity`` compares two frames, and ``split`` classifies those of a video.
- ``sizes`` computes sizes in pixels, patches and tokens. ``plan`` does so for a video's options
  within its limits, ``uniform_size`` for the one size that Keye-VL-8B-Preview uses.
  ``processor_kwargs`` passes the results to a processor, under the names of ``video_arguments``.
- ``resized_images`` opens and resizes images, and ``frame_lists`` reads videos that are given as
  lists of frames.
"""
