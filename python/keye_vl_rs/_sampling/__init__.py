"""Select the frames of a video to sample, decode them, and compute their times.

In the order in which data passes them:

1. ``rules`` holds the constants of keye_vl_utils 1.5.2 and computes the number of frames;
   ``preview_rules`` does so for Keye-VL-8B-Preview.
2. ``indices`` spaces that number of frames evenly.
3. ``reading`` opens the video, has the frames decoded, converts them to RGB and passes them to a
   sink, one at a time.
4. ``timestamps`` computes the frames' times.

``video`` does all of that in one call, and returns the frames as one array.
"""
