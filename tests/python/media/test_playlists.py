"""Test files that refer to others: only what a file itself contains is shown."""

from __future__ import annotations

import pytest

from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import UnreadableMediaError
from support.clips import Clip

pytestmark = pytest.mark.one_level

LEADING = {
    "playlist.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:5,\n{clip}\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile {clip.name}\n",
    "list.mp4": "ffconcat version 1.0\nfile {clip.name}\n",
    "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
}


@pytest.mark.parametrize("name", LEADING)
@pytest.mark.parametrize("as_bytes", [False, True], ids=["path", "bytes"])
def test_files_that_lead_to_others(name, as_bytes, tmp_path):
    """FFmpeg would read the other file, or listen to the network."""
    clip = Clip("secret.ts", count=30).write(tmp_path)
    path = tmp_path / name
    path.write_text(LEADING[name].format(clip=clip))
    source = path.read_bytes() if as_bytes else path
    kind = {"playlist": "a playlist", "list": "a list of files", "session": "a session descr"}
    reason = f"is {kind[path.stem]}.*, which refers to other files and is not opened"
    with pytest.raises(UnreadableMediaError, match=reason):
        sample_video(source, lambda total, fps: [0], timeout=20)
