"""Test the awaitable forms of the calls that take long."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import keye_vl_rs
from keye_vl_rs import Limits, aio
from keye_vl_rs._decoding.rgb import RgbConverter
from keye_vl_rs.errors import CancelledError, LimitError, MediaNotFoundError
from keye_vl_rs.limits import applied
from support.http_server import serve
from support.tensors import assert_bits

pytestmark = pytest.mark.one_level

PATIENCE_S = 20


@pytest.fixture
def slow(monkeypatch):
    """Make each frame take a while; return a semaphore that counts frames."""
    convert, entered = RgbConverter.convert, threading.Semaphore(0)

    def slowly(self, frame):
        entered.release()
        threading.Event().wait(0.05)
        return convert(self, frame)

    monkeypatch.setattr(RgbConverter, "convert", slowly)
    return entered


async def wait_for(semaphore):
    assert await asyncio.to_thread(semaphore.acquire, timeout=PATIENCE_S)


def test_results_are_those_of_the_plain_functions(short, png):
    part = {"type": "video", "video": str(short), "fps": 5}

    async def main():
        return await asyncio.gather(
            aio.preprocess_video(short, fps=5),
            aio.fetch_video(part),
            aio.fetch_image({"image": str(png)}),
            aio.process_vision_info([{"role": "user", "content": [part]}]),
            aio.probe_video(short, fps=5),
            aio.count_tokens(short, fps=5),
            aio.inspect_video(short, fps=5),
        )

    inputs, (frames, _), image, (images, videos, kwargs), *others = asyncio.run(main())
    probe, tokens, inspection = others
    assert (probe, tokens) == (keye_vl_rs.probe_video(short, fps=5), inputs.tokens)
    assert inspection.frame_types == keye_vl_rs.inspect_video(short, fps=5).frame_types
    expected = keye_vl_rs.preprocess_video(short, fps=5)
    assert_bits(inputs.pixel_values_videos, expected.pixel_values_videos)
    assert torch.equal(frames, keye_vl_rs.fetch_video(part)[0])
    assert torch.equal(frames, videos[0])
    assert images is None
    assert kwargs["height"] == [expected.slow_size[0]]
    assert image.tobytes() == keye_vl_rs.fetch_image({"image": str(png)}).tobytes()


@pytest.mark.parametrize("name", aio.__all__)
def test_they_have_the_signatures_and_documentation(name):
    plain, awaitable = getattr(keye_vl_rs, name), getattr(aio, name)
    assert inspect.iscoroutinefunction(awaitable)
    assert inspect.signature(awaitable) == inspect.signature(plain)
    assert awaitable.__name__ == name
    assert awaitable.__module__ == "keye_vl_rs.aio"
    before, after = inspect.getdoc(plain).splitlines(), inspect.getdoc(awaitable).splitlines()
    assert before[0] == after[0]
    assert after[2].startswith("This is the awaitable form of")
    assert before[2:] == after[4:]


def test_the_event_loop_goes_on(short, slow):
    """The loop counts while the video is being decoded, and the call runs in another thread."""
    threads = set()

    async def main():
        task = asyncio.create_task(
            aio.preprocess_video(
                short, fps=5, progress=lambda _: threads.add(threading.get_ident())
            )
        )
        turns = 0
        while not task.done():
            await asyncio.sleep(0.01)
            turns += 1
        return await task, turns

    inputs, turns = asyncio.run(main())
    assert len(inputs.frame_types) == 10
    assert turns > 5
    assert threads
    assert threading.get_ident() not in threads


def test_errors_are_those_of_the_plain_functions():
    with pytest.raises(MediaNotFoundError, match=r"missing\.mp4: no such file"):
        asyncio.run(aio.preprocess_video("missing.mp4"))


def test_context_variables_are_the_callers(short):
    async def main():
        with applied(Limits(frames=5)):
            call = aio.preprocess_video(short)
            with pytest.raises(LimitError):
                await call
        return await aio.preprocess_video(short)

    assert asyncio.run(main()).total_frames == 50


def test_a_callers_flag_cancels_the_call(short, slow):
    flag = threading.Event()

    async def main():
        task = asyncio.create_task(aio.preprocess_video(short, fps=25, cancel=flag))
        await wait_for(slow)
        flag.set()
        with pytest.raises(CancelledError, match="cancelled"):
            await task

    asyncio.run(main())


@pytest.mark.parametrize("function", ["preprocess_video", "fetch_video", "process_vision_info"])
def test_cancelling_the_task_stops_the_thread(function, short, slow):
    """The task ends when the thread has: after that, no further frame is converted."""
    part = {"type": "video", "video": str(short), "fps": 25}
    arguments = {
        "preprocess_video": ((short,), {"fps": 25}),
        "fetch_video": ((part,), {}),
        "process_vision_info": (([{"role": "user", "content": [part]}],), {}),
    }
    args, kwargs = arguments[function]

    async def main():
        task = asyncio.create_task(getattr(aio, function)(*args, **kwargs))
        await wait_for(slow)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while slow.acquire(blocking=False):
            pass
        await asyncio.sleep(0.2)
        assert not slow.acquire(blocking=False)

    asyncio.run(main())


def test_a_download_is_cancelled(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")

    async def main(server):
        address = f"http://127.0.0.1:{server.server_port}/stalled.jpg"
        task = asyncio.create_task(aio.fetch_image({"image": address}))
        await asyncio.to_thread(server.begun.wait, PATIENCE_S)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.ended.get, timeout=PATIENCE_S)

    with serve(b"") as server:
        asyncio.run(main(server))


def test_a_time_limit_of_asyncio_cancels_the_call(short, slow):
    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(aio.preprocess_video(short, fps=25), 0.2)

    asyncio.run(main())


def test_a_second_cancellation_does_not_wait(short, monkeypatch):
    entered, goes_on = threading.Event(), threading.Event()
    convert = RgbConverter.convert

    def hang(self, frame):
        entered.set()
        assert goes_on.wait(PATIENCE_S)
        return convert(self, frame)

    monkeypatch.setattr(RgbConverter, "convert", hang)

    async def main():
        task = asyncio.create_task(aio.preprocess_video(short))
        await asyncio.to_thread(entered.wait, PATIENCE_S)
        task.cancel()
        await asyncio.wait([task], timeout=0.2)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        goes_on.set()

    asyncio.run(main())


def test_a_call_that_waits_for_a_thread_never_starts(short, monkeypatch):
    calls = []
    monkeypatch.setattr(RgbConverter, "convert", lambda self, frame: calls.append(frame))
    goes_on = threading.Event()

    async def main():
        with ThreadPoolExecutor(1) as executor:
            loop = asyncio.get_running_loop()
            loop.set_default_executor(executor)
            first = loop.run_in_executor(None, goes_on.wait, PATIENCE_S)
            task = asyncio.create_task(aio.preprocess_video(short))
            await asyncio.sleep(0.05)
            task.cancel()
            began = time.monotonic()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - began < PATIENCE_S / 2
            goes_on.set()
            assert await first

    asyncio.run(main())
    assert calls == []


def test_a_callback_that_raises_stop_iteration(short):
    """A future cannot hold that exception, and Python 3.11 would wait for ever."""

    async def main():
        call = aio.preprocess_video(short, progress=lambda _: next(iter(())))
        await asyncio.wait_for(call, 30)

    with pytest.raises(RuntimeError, match="preprocess_video: a callback raised StopIteration"):
        asyncio.run(main())
