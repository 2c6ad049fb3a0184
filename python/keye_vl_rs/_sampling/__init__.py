"""Select the frames of a video to sample, decode them, and compute their times.

In the order in which data passes them:

1. ``video_options`` holds the options of one video, as a message or a call gives them.
2. ``rules`` holds the constants of keye_vl_utils 1.5.2 and computes the number of frames;
   ``preview_rules`` does so for Keye-VL-8B-Preview.
3. ``indices`` spaces that number of frames evenly.
4. ``open_video`` checks the options and opens the video.
5. ``reading`` has the frames decoded, converts them to RGB and passes them to a sink, one by one.
6. ``timestamps`` computes the frames' times.

``video`` does all of that in one call, and returns the frames as one array.
"""
