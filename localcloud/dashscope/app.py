"""DashScope (Model Studio) on one machine: qwen and wan by their real paths, with stand-ins in place of the models.

What the wire looks like is DashScope's; who answers is not. Text is written by the template writer, pictures come
from the procedural painter, and pictures are judged by simple statistics. No model runs here.

===================================================  ============================================================
path below ``/api/v1``                               what it does
===================================================  ============================================================
``services/aigc/text-generation/generation``         text, whole or streamed
``services/aigc/text2image/image-synthesis``         a picture task from a prompt (wan2.5 and older, wanx)
``services/aigc/image-generation/generation``        a picture task from a conversation (wan2.6 and newer, qwen-image)
``services/aigc/multimodal-generation/generation``   the same at once; with a model that sees, a word about a picture
``services/aigc/background-generation/generation``   a picture task around a cut-out
``tasks``, ``tasks/{id}``, ``tasks/{id}/cancel``      list, ask, cancel
``uploads``                                          leave to upload a picture for one model
===================================================  ============================================================

Beside them: ``/results/…`` hands out pictures by signed address, ``/uploads`` takes what was given leave, ``/-/faults``
scripts trouble (see `localcloud.dashscope.faults`), ``/-/calls`` counts the calls since the start.

``TRIPCANVAS_LOCAL_INSTANT_MODELS=1`` makes pictures cost almost nothing (see `localcloud.dashscope.instant`): for
measuring everything else.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, get_args

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from localcloud.dashscope import instant
from localcloud.dashscope import registry as models
from localcloud.dashscope.background import Background
from localcloud.dashscope.faults import Call, Fault, Faults, meet
from localcloud.dashscope.generation import Generation
from localcloud.dashscope.media import Media
from localcloud.dashscope.pictures import Pictures
from localcloud.dashscope.results import Results
from localcloud.dashscope.studio import Studio
from localcloud.dashscope.tasks import Tasks
from localcloud.dashscope.throttle import Throttle
from localcloud.dashscope.uploads import Uploads
from localcloud.dashscope.vision import Vision
from localcloud.dashscope.wire import Refusal, body_of, decoded, encoded
from localcloud.dashscope.writer import Writer
from localcloud.signing import same

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request

    from localcloud.state import Cloud

    Handler = Callable[[Request], Awaitable[Response]]


class _Desk:
    """What every call goes through: the key, the count, the scripted faults, and the shape of refusals."""

    def __init__(self, api_key: str, faults: Faults) -> None:
        self._api_key = api_key
        self._faults = faults
        self.calls: Counter[str] = Counter(dict.fromkeys(get_args(Call), 0))

    def endpoint(self, call: Call, handler: Handler, *, keyed: bool = True) -> Handler:
        """`handler` behind the desk; `keyed` asks for the key."""

        async def endpoint(request: Request) -> Response:
            self.calls[call] += 1
            try:
                if keyed:
                    self.check_key(request)
                return await meet(request, self._faults.met_by(call)) or await handler(request)
            except Refusal as refusal:
                return refusal.response()

        return endpoint

    def check_key(self, request: Request) -> None:
        """Raises `Refusal` (401) unless the request carries the account's key."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise Refusal(401, "InvalidApiKey", "No API-key provided.")
        if not same(key.strip(), self._api_key):
            raise Refusal(401, "InvalidApiKey", "Invalid API-key provided.")

    async def scripted(self, request: Request) -> Response:
        """Add, list or forget faults."""
        if request.method == "POST":
            try:
                self._faults.add(decoded(await body_of(request), Fault))
            except Refusal as refusal:
                return refusal.response()
        elif request.method == "DELETE":
            self._faults.clear()
        return encoded({"faults": self._faults.listing()})

    async def counted(self, _: Request) -> Response:
        """How many calls of each kind came since the start, refused ones included."""
        return encoded(dict(self.calls))


def build(cloud: Cloud) -> Starlette:
    """The service of `cloud`; its data lies in the folder ``dashscope``."""
    folder = cloud.folder("dashscope")
    registry = models.load()
    limits = instant.lifted(registry.limits) if instant.are_wanted() else registry.limits
    tasks = Tasks(folder / "tasks.sqlite", registry.limits.lifetime_s)
    results = Results(folder / "results", cloud.url("dashscope"), cloud.dashscope_api_key)
    faults = Faults()
    studio = Studio(tasks, results, limits, registry.inspection)
    writer = Writer()
    pictures = Pictures(registry, studio, tasks, results, Throttle(limits), faults)
    generation = Generation(registry, writer)
    uploads = Uploads(folder / "uploads", cloud.url("dashscope"), cloud.dashscope_api_key, registry)
    media = Media(uploads, (cloud.url("dashscope"), cloud.url("oss")))
    vision = Vision(registry, pictures, writer, media)
    background = Background(registry, pictures, results, media)
    desk = _Desk(cloud.dashscope_api_key, faults)

    async def elsewhere(_: Request) -> Response:
        return Refusal(404, "InvalidURL", "The requested URL is not served.").response()

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with studio:
            yield

    def at(path: str, call: Call, handler: Handler, method: str = "POST") -> Route:
        return Route(f"/api/v1/{path}", desk.endpoint(call, handler), methods=[method])

    return Starlette(
        routes=[
            at("services/aigc/text-generation/generation", "text", generation.generate),
            at("services/aigc/text2image/image-synthesis", "image", pictures.synthesise),
            at("services/aigc/image-generation/generation", "image", pictures.generate_later),
            at("services/aigc/multimodal-generation/generation", "vision", vision.converse),
            at("services/aigc/background-generation/generation", "image", background.generate_later),
            # The documented path ends in a slash.
            at("services/aigc/background-generation/generation/", "image", background.generate_later),
            at("tasks", "task", pictures.list_tasks, "GET"),
            at("tasks/{task_id}", "task", pictures.ask, "GET"),
            at("tasks/{task_id}/cancel", "task", pictures.cancel),
            at("uploads", "uploads", uploads.policy, "GET"),
            Route("/uploads", desk.endpoint("uploads", uploads.post, keyed=False), methods=["POST"]),
            Route("/results/{day}/{name}", desk.endpoint("picture", pictures.download, keyed=False)),
            Route("/-/faults", desk.scripted, methods=["GET", "POST", "DELETE"]),
            Route("/-/calls", desk.counted),
            Route("/{path:path}", elsewhere, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
        ],
        lifespan=lifespan,
    )
