"""From decoded frames to patches while later frames are still being decoded, in bounded memory.

``size_choices`` says which sizes frames may get while not all of them are known to be slow or fast;
``output_buffer`` is where patches go, and ``frame_buffer`` holds the frames whose sizes are not
known yet, both in memory of ``mmap_memory``; ``pipeline`` takes frames one after the other through
all of that, and ``file`` has them decoded for it.
"""
