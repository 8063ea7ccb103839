"""The picture endpoints: create (both protocols of painting from words), ask, cancel, list, download."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import FileResponse, Response

from localcloud.dashscope.faults import is_gone
from localcloud.dashscope.orders import MessagesBody, SynthesisBody, of_messages, of_synthesis
from localcloud.dashscope.results import Withheld
from localcloud.dashscope.tasks import Fate, Order, Picture, Status, Task
from localcloud.dashscope.wire import Refusal, body_of, check_async, decoded, encoded, invalid, request_id

if TYPE_CHECKING:
    from starlette.requests import Request

    from localcloud.dashscope.faults import Faults
    from localcloud.dashscope.registry import Registry
    from localcloud.dashscope.results import Results
    from localcloud.dashscope.studio import Studio
    from localcloud.dashscope.tasks import Tasks
    from localcloud.dashscope.throttle import Throttle

#: Times on the wire carry no zone; they are those of the service's home.
_BEIJING = timezone(timedelta(hours=8))


class Pictures:
    """Handlers of the picture endpoints; each raises `Refusal` for what the service would refuse."""

    def __init__(
        self, registry: Registry, studio: Studio, tasks: Tasks, results: Results, throttle: Throttle, faults: Faults
    ) -> None:
        self._registry = registry
        self._studio = studio
        self._tasks = tasks
        self._results = results
        self._throttle = throttle
        self._faults = faults

    async def synthesise(self, request: Request) -> Response:
        """Create a task from one prompt."""
        check_async(request, wanted=True)
        body = decoded(await body_of(request), SynthesisBody)
        self._registry.image_rules(body.model, "synthesis")
        self._throttle.admit(body.model)
        order = of_synthesis(body, self._registry)
        return self.created(order)

    async def generate_later(self, request: Request) -> Response:
        """Create a task from a conversation."""
        check_async(request, wanted=True)
        body = decoded(await body_of(request), MessagesBody)
        self._registry.image_rules(body.model, "messages")
        self._throttle.admit(body.model)
        order = of_messages(body, self._registry)
        return self.created(order)

    async def generate_now(self, body: MessagesBody) -> Response:
        """Paint from a conversation while the caller waits."""
        self._throttle.admit(body.model)
        order = of_messages(body, self._registry)
        pictures = await self._studio.paint_now(order)
        painted = [picture for picture in pictures if picture.key]
        if not painted:
            status = 400 if pictures[0].code == "DataInspectionFailed" else 500
            raise Refusal(status, pictures[0].code, pictures[0].message)
        expires_at = time.time() + self._registry.limits.lifetime_s
        return encoded(
            {
                "output": self._choices(painted, expires_at),
                "usage": {"image_count": len(painted), "width": order.width, "height": order.height},
                "request_id": request_id(),
            }
        )

    async def ask(self, request: Request) -> Response:
        """What a task has come to; 200 and UNKNOWN for one that is not known."""
        task_id = request.path_params["task_id"]
        task = self._tasks.get(task_id, time.time())
        if task is None or is_gone(request):
            return encoded({"request_id": request_id(), "output": {"task_id": task_id, "task_status": "UNKNOWN"}})
        answer: dict[str, Any] = {"request_id": request_id(), "output": self._output(task)}
        if task.status is Status.SUCCEEDED:
            answer["usage"] = {"image_count": sum(1 for picture in task.pictures if picture.key)}
        return encoded(answer)

    async def cancel(self, request: Request) -> Response:
        """Cancel a task that still waits."""
        if not self._tasks.cancel(request.path_params["task_id"], time.time()):
            raise Refusal(
                400,
                "UnsupportedOperation",
                "Failed to cancel the task, please confirm if the task is in PENDING status.",
            )
        return encoded({"request_id": request_id()})

    async def list_tasks(self, request: Request) -> Response:
        """One page of the account's tasks, newest first."""
        query = request.query_params
        page, page_size = (
            _whole(query.get("page_no", "1"), "page_no"),
            _whole(query.get("page_size", "10"), "page_size"),
        )
        total, tasks = self._tasks.listing(
            model=query.get("model_name", ""),
            status=query.get("status", ""),
            since=_moment(query.get("start_time", "20000101000000"), "start_time"),
            until=_moment(query.get("end_time", "29991231235959"), "end_time"),
            page=page,
            page_size=page_size,
        )
        return encoded(
            {
                "request_id": request_id(),
                "total": total,
                "total_page": -(-total // page_size),
                "page_no": page,
                "page_size": page_size,
                "data": [_listed(task) for task in tasks],
            }
        )

    async def download(self, request: Request) -> Response:
        """One picture, for whoever holds its signed address; refusals are XML, as OSS answers."""
        query = request.query_params
        try:
            file = self._results.open(
                f"{request.path_params['day']}/{request.path_params['name']}",
                query.get("Expires", ""),
                query.get("Signature", ""),
                time.time(),
            )
        except Withheld as withheld:
            return Response(
                f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{withheld.code}</Code>'
                f"<Message>{withheld.message}</Message><RequestId>{request_id()}</RequestId></Error>",
                withheld.status,
                media_type="application/xml",
            )
        return FileResponse(file, media_type="image/png")

    def admit(self, model: str) -> None:
        """Count one order for `model`. Raises `Refusal` (429) when it comes too soon."""
        self._throttle.admit(model)

    def created(self, order: Order) -> Response:
        """Queue `order`, with the fate that was scripted for the next task, and answer with its task."""
        fault = self._faults.met_by("task", fate=True)
        if fault:
            fate = Fate(fault.mode, fault.code, fault.message, fault.delay_s)
            order = msgspec.structs.replace(order, fate=fate)
        task = self._studio.submit(order)
        return encoded(
            {"output": {"task_status": task.status.value, "task_id": task.task_id}, "request_id": request_id()}
        )

    def _output(self, task: Task) -> dict[str, Any]:
        output: dict[str, Any] = {
            "task_id": task.task_id,
            "task_status": task.status.value,
            "submit_time": _time(task.submitted_at),
        }
        if task.scheduled_at is not None:
            output["scheduled_time"] = _time(task.scheduled_at)
        if task.ended_at is not None:
            output["end_time"] = _time(task.ended_at)
        painted = [picture for picture in task.pictures if picture.key]
        output["task_metrics"] = {
            "TOTAL": task.order.count,
            "SUCCEEDED": len(painted),
            "FAILED": len(task.pictures) - len(painted),
        }
        if task.status is Status.FAILED:
            output |= {"code": task.pictures[0].code, "message": task.pictures[0].message}
        elif task.status is Status.SUCCEEDED and task.ended_at is not None:
            expires_at = task.ended_at + self._registry.limits.lifetime_s
            if task.order.protocol == "messages":
                output |= self._choices(painted, expires_at)
            else:
                output["results"] = [self._result(task, picture, expires_at) for picture in task.pictures]
        return output

    def _result(self, task: Task, picture: Picture, expires_at: float) -> dict[str, str]:
        if not picture.key:
            return {"code": picture.code, "message": picture.message}
        url = self._results.url(picture.key, expires_at)
        if task.order.protocol == "background":
            return {"url": url}
        result = {"orig_prompt": task.order.prompt, "url": url}
        if task.order.actual_prompt is not None:
            result["actual_prompt"] = task.order.actual_prompt
        return result

    def _choices(self, painted: list[Picture], expires_at: float) -> dict[str, Any]:
        return {
            "finished": True,
            "choices": [
                {
                    "finish_reason": "stop",
                    "message": {
                        "role": "assistant",
                        "content": [{"type": "image", "image": self._results.url(picture.key, expires_at)}],
                    },
                }
                for picture in painted
            ],
        }


def _listed(task: Task) -> dict[str, Any]:
    listed: dict[str, Any] = {
        "task_id": task.task_id,
        "model_name": task.order.model,
        "status": task.status.value,
        "gmt_create": int(task.submitted_at * 1000),
        "region": "cn-beijing",
    }
    if task.scheduled_at is not None:
        listed["start_time"] = int(task.scheduled_at * 1000)
    if task.ended_at is not None:
        listed["end_time"] = int(task.ended_at * 1000)
    return listed


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, _BEIJING).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _moment(text: str, parameter: str) -> float:
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=_BEIJING).timestamp()
    except ValueError:
        raise invalid(parameter, "a time as yyyymmddhhmmss") from None


def _whole(text: str, parameter: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1000):
        raise invalid(parameter, "a whole number from 1 to 1000")
    return int(text)
