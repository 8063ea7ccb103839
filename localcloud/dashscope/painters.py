"""Two processes that paint, so that the service answers polls while pictures are being painted.

Each process is started with the service and has loaded the painter before the first order. One that dies (killed,
out of memory) is replaced, and its picture is painted again by the new one.
"""

from __future__ import annotations

import asyncio
import functools
import io
import multiprocessing
import os
import signal
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.dashscope import instant

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    import numpy as np
    from numpy.typing import NDArray

_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to paint, `width` x `height` pixels; `cut_out` is an RGBA PNG to lay over it, or empty."""

    prompt: str
    negative_prompt: str
    seed: int
    width: int
    height: int
    watermark: bool
    cut_out: bytes = b""


class PaintFailed(Exception):
    """A picture could not be painted; the message holds the kind and place of the error, never the prompt."""


class PainterDied(PaintFailed):
    """The process ended while it painted."""


class Painters:
    """The painting processes; `stop` must be called in the end."""

    def __init__(self, count: int = 2) -> None:
        self._painters = [_Painter() for _ in range(count)]
        self._free: asyncio.Queue[_Painter] = asyncio.Queue()

    def start(self) -> None:
        """Start the processes; they get ready in the background."""
        for painter in self._painters:
            painter.start()
            self._free.put_nowait(painter)

    def stop(self) -> None:
        """End the processes at once; what they paint is lost."""
        for painter in self._painters:
            painter.stop()

    async def paint(self, job: Job) -> bytes:
        """The picture of `job` as PNG, when a painter is free. Raises `PaintFailed`."""
        painter = await self._free.get()
        try:
            for _ in range(_ATTEMPTS - 1):
                try:
                    return await asyncio.to_thread(painter.paint, job)
                except PainterDied:
                    continue
            return await asyncio.to_thread(painter.paint, job)
        finally:
            self._free.put_nowait(painter)


class _Painter:
    """One process and the pipe to it."""

    def __init__(self) -> None:
        # A forked copy of a process that runs an event loop and threads can hang; a spawned one starts clean.
        self._context = multiprocessing.get_context("spawn")
        self._stopped = False

    def start(self) -> None:
        self._connection, theirs = self._context.Pipe()
        self._process = self._context.Process(target=_work, args=(theirs,), name="painter", daemon=True)
        self._process.start()
        # With this end closed here, the death of the process shows as the end of the pipe.
        theirs.close()

    def stop(self) -> None:
        self._stopped = True
        self._process.terminate()
        self._process.join()
        self._connection.close()

    def paint(self, job: Job) -> bytes:
        try:
            self._connection.send(job)
            answer: bytes | str = self._connection.recv()
        except (EOFError, OSError) as error:
            if not self._stopped:
                self._connection.close()
                self._process.join()
                self.start()
            raise PainterDied(type(error).__name__) from None
        if isinstance(answer, str):
            raise PaintFailed(answer)
        return answer


def _work(connection: Connection[bytes | str, Job]) -> None:
    """The painting process: jobs come in, PNG bytes or the kind of an error go out, until the pipe ends."""
    # Ctrl+C in the terminal reaches this process too, but the service decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(5)
    # Loading the painter takes longer than an order should wait.
    import localcloud.painter  # noqa: F401

    paint = functools.partial(_from_stock, instant.Stock()) if instant.are_wanted() else _painted
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        answer: bytes | str
        try:
            answer = _png(job, paint)
        # The outermost entry of this process; a traceback in the log could repeat the prompt.
        except Exception as error:  # noqa: BLE001
            place = traceback.extract_tb(error.__traceback__)[-1]
            answer = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
        try:
            connection.send(answer)
        except OSError:
            return


def _png(job: Job, paint: Callable[[Job, int, int], NDArray[np.uint8]]) -> bytes:
    from PIL import Image

    from localcloud.dashscope.watermark import mark
    from localcloud.painter import SIDES_PX

    # Some models make larger pictures than the painter; those are painted small and enlarged.
    scale = min(1.0, (SIDES_PX.stop - 1) / max(job.width, job.height))
    image = Image.fromarray(paint(job, round(job.width * scale), round(job.height * scale)))
    if scale < 1.0:
        image = image.resize((job.width, job.height), Image.Resampling.LANCZOS)
    if job.cut_out:
        with Image.open(io.BytesIO(job.cut_out), formats=("PNG",)) as cut_out:
            image.paste(cut_out, mask=cut_out.getchannel("A"))
    if job.watermark:
        mark(image)
    sink = io.BytesIO()
    image.save(sink, "PNG", compress_level=1 if instant.are_wanted() else 4)
    return sink.getvalue()


def _painted(job: Job, width: int, height: int) -> NDArray[np.uint8]:
    from localcloud.painter import paint

    return paint(job.prompt, negative_prompt=job.negative_prompt, seed=job.seed, width=width, height=height)


def _from_stock(stock: instant.Stock, job: Job, width: int, height: int) -> NDArray[np.uint8]:
    from localcloud.painter.scene import read

    scene = read(job.prompt, job.negative_prompt)
    return stock.picture(scene, job.seed, width, height, functools.partial(_painted, job))
