"""Decoding with the least work that gives exact frames.

``container`` opens a file and finds its video; ``packets`` lists what the packets say, and
``timeline`` when their frames are presented; ``plan`` chooses the packets that the sampled frames
need; ``decoder`` feeds them and checks what comes out, and ``ahead`` has that done in threads while
earlier frames are in use; ``reader`` puts it together, and counts the frames by decoding all of
them where the packets cannot be relied on. ``truncation`` finds files that end too early, ``gaps``
where frames are missing inside, and ``rgb`` converts what was decoded.
"""
