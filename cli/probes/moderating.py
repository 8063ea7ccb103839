"""Content Moderation (Green): every service that is set is opened for the account and answers."""

from __future__ import annotations

import io
from collections.abc import Callable

from cli.deployment import Deployment
from cli.findings import Finding
from cli.probes.probe import Answer, Probe
from shared.errors import Misconfigured, Refused, TripcanvasError

_WHERE = "TRIPCANVAS_GREEN_ENDPOINT"
_TEXT = "你好，一路平安。"
_DATA_ID = "probe"
_TEXT_PRICE, _PICTURE_PRICE = "about 0.1 fen", "about 0.2 fen for each service"
_SIDE = 256


def probes() -> tuple[Probe, ...]:
    """The probes of this service."""
    texts = ("green_words_service", "green_answer_service", "green_name_service")
    return (
        *(Probe(f"moderation of {_ABOUT[name]}", _variable(name), _text(name), price=_TEXT_PRICE) for name in texts),
        Probe("moderation of pictures", _variable("green_picture_services"), _picture, price=_PICTURE_PRICE),
    )


_ABOUT = {
    "green_words_service": "trips' words",
    "green_answer_service": "the model's answers",
    "green_name_service": "teams' names",
}


def _variable(name: str) -> str:
    return f"TRIPCANVAS_{name.upper()}"


def _text(name: str) -> Callable[[Deployment], Answer]:
    def ask(deployment: Deployment) -> Answer:
        services = deployment.services
        service = services.settings.need(name)
        try:
            found = services.moderation.text(service, _TEXT, _DATA_ID)
        except TripcanvasError as error:
            return _refused(error, name)
        return Answer(f"{service} answers: {found.level}")

    return ask


def _picture(deployment: Deployment) -> Answer:
    """One grey picture, by the bucket that the service lends: it lies there until the service forgets it."""
    services = deployment.services
    names = tuple(filter(None, (name.strip() for name in services.settings.need("green_picture_services").split(","))))
    try:
        found = services.moderation.picture(names, _grey_picture(), f"{_DATA_ID}.jpg")
    except TripcanvasError as error:
        return _refused(error, "green_picture_services")
    return Answer(", ".join(f"{each.service} answers: {each.level}" for each in found))


def _refused(error: TripcanvasError, name: str) -> Answer:
    if isinstance(error, Misconfigured):
        remedy = (
            "open Content Moderation in the console, grant the key yundun-greenweb:*, and take a region that has it"
        )
        return Answer("not granted", (Finding(str(error), _WHERE, remedy),))
    if isinstance(error, Refused):
        remedy = "is it spelt right, and does this region have that service?"
        return Answer("refused", (Finding(str(error), _variable(name), remedy),))
    raise error


def _grey_picture() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (_SIDE, _SIDE), (128, 140, 150)).save(out, "JPEG")
    return out.getvalue()
