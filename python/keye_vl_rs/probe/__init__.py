"""Find out what a video would cost, before it is decoded.

- ``video_probe`` is the result of :func:`keye_vl_rs.probe_video`, and ``probing`` computes it.
- ``token_bounds`` computes sizes and tokens for every possible number of slow frames.
- ``counting`` counts the tokens of a video exactly.
"""
