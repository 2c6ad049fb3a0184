"""Turn decoded frames into patches while later frames are being decoded, in bounded memory.

The sizes of frames depend on how many of them are slow, which is known only at the end. Frames
whose size is still open are buffered; if the buffer overflows, they are decoded a second time.

In the order in which data passes them:

1. ``file`` has the frames of a video file decoded, passes them on, and times the stages.
2. ``pipeline`` compares each frame with the last slow one, and writes or buffers it.
3. ``size_choices`` knows which sizes frames can still get.
4. ``frame_buffer`` holds the frames whose sizes are not known yet.
5. ``output_buffer`` is the memory that patches are written to.

``mmap_memory`` allocates the memory of both buffers.
"""
