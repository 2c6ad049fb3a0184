"""Test what OpenAI's client sends to a server."""

from __future__ import annotations

import http.server
import json
import threading

import numpy as np
import pytest
from openai import OpenAI

from keye_vl_rs import process_vision_info, to_openai_messages
from support.clips import Clip
from support.requests import opened, opened_frames, talk
from support.vision_process import pictures

ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 0,
    "model": "keye",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "A rabbit."},
        }
    ],
}


@pytest.fixture
def server():
    """Run a server that gives every request the same answer, and records the requests."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.asked.append((self.path, json.loads(body)))
            answer = json.dumps(ANSWER).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.asked = []
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_what_arrives(server, tmp_path):
    video = Clip("clip.mp4", count=75).write(tmp_path)
    messages = talk(pictures(1, width=300, height=200)[0], video, fps=4.0)
    request = to_openai_messages(messages)
    address = f"http://127.0.0.1:{server.server_port}/v1"
    with OpenAI(base_url=address, api_key="none", max_retries=0) as client:
        answer = client.chat.completions.create(
            model="keye", messages=request.messages, extra_body=request.extra_body
        )
    assert answer.choices[0].message.content == "A rabbit."
    ((path, body),) = server.asked
    assert path == "/v1/chat/completions"
    assert body["messages"][0] == {"role": "system", "content": "You are brief."}
    sent_image, sent_video, text = body["messages"][1]["content"]
    images, videos, about = process_vision_info(messages)
    assert np.array_equal(opened(sent_image["image_url"]["url"]), images[0])
    frames = opened_frames(sent_video["video_url"]["url"])
    assert frames.shape == tuple(videos[0].permute(0, 2, 3, 1).shape)
    assert text == {"type": "text", "text": "What happens?"}
    said = body["mm_processor_kwargs"]
    assert said["frame_types"] == [about["frame_types"][0].tolist()]
    assert np.array_equal(np.float32(said["timestamps"][0]), about["timestamps"][0])
    assert len(said["timestamps"][0]) == len(frames) == 12
    for name in ("height", "width", "fast_height", "fast_width"):
        assert said[name] == about[name]
    assert body["media_io_kwargs"] == {"video": {"num_frames": -1}}
