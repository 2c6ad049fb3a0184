"""Decode the sampled frames of a video exactly, and decode nothing else.

Frames must equal those that FFmpeg returns when it decodes the whole video in order. A packet is
skipped only where its own headers prove that no wanted frame refers to it, every decoded frame is
checked against what the packets announced, and on any mismatch a slower method takes over.

In the order in which data passes them:

1. ``video_file`` names a file and says how to decode it. ``container`` opens it with FFmpeg,
   through PyAV, and ``streams`` selects the video stream that decord would select.
2. ``video_index`` reads all packets once, without decoding them. ``packets`` notes their timestamps
   and sizes, where decoding can start, and which packets no other refers to; ``timeline`` says when
   each frame is presented. ``stream_info`` describes the stream, and ``orientation`` finds what
   packets say about it. ``truncation`` finds files that were cut off, ``missing_frames`` finds
   gaps inside a file.
3. The caller chooses frames from the timeline, and ``reader`` gets them by the first method that
   succeeds:

   - ``indexed_frames`` with ``plan``, which selects the packets to decode, and ``decoder``, which
     decodes them with several threads;
   - ``indexed_frames`` with ``damage_tracking``, which uses one thread per decoder, so that each
     error can be attributed to a packet;
   - ``sequential_frames``, which decodes the whole video, for files whose packets have no usable
     timestamps or do not match their frames.

   ``read_plan`` does the same up to the choice of packets, and decodes none.

   ``prefetch`` runs the decoders in threads, ahead of the consumer.
4. ``damage`` decides which frames an error affects. ``ffmpeg_log`` captures the log in which FFmpeg
   reports errors, and ``frame_copy`` makes damaged frames reproducible.
5. ``rgb`` converts decoded frames to RGB, with the bytes that decord returns. It and ``frame_copy``
   use filters of FFmpeg, through ``frame_filter``.
"""
