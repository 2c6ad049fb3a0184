"""From decoded frames to patches while later frames are still being decoded, in bounded memory.

``choices`` says which sizes frames may get while not all of them are known to be slow or fast;
``room`` is where patches go; ``kept`` holds the frames whose sizes are not known yet, and ``pages``
has memory for both; ``pipeline`` takes frames one after the other through all of that, and ``file``
has them decoded for it.
"""
