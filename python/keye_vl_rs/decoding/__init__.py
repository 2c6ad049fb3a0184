"""Decoding with the least work that gives exact frames.

``container`` opens a file and lists the packets of its video; ``timeline`` says when their frames
are presented; ``plan`` chooses the packets that the sampled frames need; ``decoder`` feeds them and
checks what comes out; ``reader`` puts it together, and counts the frames by decoding all of them
where the packets cannot be relied on. ``truncation`` finds files that end too early, and ``rgb``
converts what was decoded.
"""
