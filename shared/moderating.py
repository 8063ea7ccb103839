"""What may be used and published: the owner's words, the text model's answer and the finished picture are checked.

Only a clear answer of every service that is asked lets a content pass. High risk ends the journey, medium risk holds it
for a person, and an error leaves it where it is, to be tried again. A model's answer that does not pass is not used:
the template writes, whose texts are the product's own. A team's name that does not pass is not shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.clouds.moderation import LEVELS, Finding
from shared.course import Course
from shared.errors import Misconfigured
from shared.prompts import Brief
from shared.records import (
    Failed,
    Held,
    Received,
    Verdict,
)
from shared.services import Services

if TYPE_CHECKING:
    from shared.pictures.variants import EncodedPicture

#: The code of a journey that moderation has held or ended.
MODERATION = "moderation"
WORDS, ANSWER, TEAM, PICTURE = "words", "answer", "team", "picture"

#: How DashScope says that its own check refused a content, normalised.
_CONTENT_CODES = frozenset({"datainspectionfailed", "ipinfringementsuspect"})
_READABLE = ("jpg", "png", "webp")
#: Longest text that the service for answers takes, in characters.
_MOST_CHARACTERS = 5000


def check_words(course: Course) -> tuple[Verdict, ...]:
    """Have the owner's words checked; adds the end or the hold when they don't pass. Raises what the service raises."""
    facts = course.journey.need(Received).facts
    text = "\n".join(filter(None, (facts.mood_tag, facts.words)))
    if not text:
        return ()
    held = course.journey.approved(MODERATION)
    if held is not None:
        return held.verdicts
    services = course.services
    found = services.moderation.text(services.settings.need("green_words_service"), text, course.journey.id)
    verdicts = (_verdict(WORDS, found),)
    _decide(course, verdicts)
    return verdicts


def check_answer(brief: Brief, journey_id: str, services: Services) -> Verdict:
    """What moderation says of everything that a model wrote. Raises what the service raises."""
    parts = (brief.title, brief.caption, " ".join(brief.tags), brief.alt_text, brief.painting_prompt)
    text = "\n".join((*parts, brief.negative_prompt))[:_MOST_CHARACTERS]
    found = services.moderation.text(services.settings.need("green_answer_service"), text, journey_id)
    return _verdict(ANSWER, found)


def check_team(name: str, journey_id: str, services: Services) -> Verdict:
    """What moderation says of a team's name. Raises what the service raises."""
    return _verdict(TEAM, services.moderation.text(services.settings.need("green_name_service"), name, journey_id))


def check_picture(course: Course, pictures: tuple[EncodedPicture, ...]) -> tuple[Verdict, ...]:
    """Have the feed's picture checked; adds the end or the hold when it does not pass.

    The other files that will be public show the same picture; the words on the share card are those that were checked.
    What a person has let pass is not asked about again, as long as it is the same file. Raises what storage and
    service raise.
    """
    services, journey = course.services, course.journey
    # The first is the master, which nobody sees, and those that follow begin with the largest.
    picture = next(each for each in pictures[1:] if each.extension in _READABLE)
    held = journey.approved(MODERATION)
    if held is not None and held.verdicts and all(each.sha256 == picture.sha256 for each in held.verdicts):
        return held.verdicts
    names = tuple(filter(None, (name.strip() for name in services.settings.need("green_picture_services").split(","))))
    if not names:
        raise Misconfigured(f"{services.settings.variable('green_picture_services')} names no service")
    data_id = f"{journey.id}-{picture.sha256[:12]}.{picture.extension}"
    findings = services.moderation.picture(names, picture.body, data_id)
    verdicts = tuple(_verdict(PICTURE, found, picture.sha256) for found in findings)
    _decide(course, verdicts)
    return verdicts


def passes(verdict: Verdict, services: Services) -> bool:
    """Whether a content may be used without a person. Raises `Misconfigured` for a policy that is none."""
    low = services.settings.need("green_low")
    if low not in ("pass", "hold"):
        raise Misconfigured(f"{services.settings.variable('green_low')} must be pass or hold")
    return verdict.level == "none" or (verdict.level == "low" and low == "pass")


def refused_by_model(subject: str, code: str, services: Services) -> Verdict:
    """The verdict that a refusal by DashScope's own content check stands for: it knows no levels, and counts as high.

    `code` is the refusal's, DashScope's or the GPU side's.
    """
    return Verdict(subject=subject, service="dashscope", level="high", labels=(code,), request_id="", at=services.now())


def is_content_code(code: str) -> bool:
    """Whether a code of DashScope says that its content check refused."""
    return code.replace("_", "").lower() in _CONTENT_CODES


def blocked(verdicts: tuple[Verdict, ...], services: Services) -> Failed:
    """The end of a journey whose content is of high risk."""
    return Failed(at=services.now(), code=MODERATION, reason=told(verdicts), verdicts=verdicts)


def told(verdicts: tuple[Verdict, ...]) -> str:
    """What did not pass, in words: content, service, level and the names of the risks."""
    worst = [each for each in verdicts if each.level != "none"] or list(verdicts)
    return "; ".join(
        f"{each.subject}: {each.service} says {each.level}" + (f" ({', '.join(each.labels)})" if each.labels else "")
        for each in worst
    )


def _decide(course: Course, verdicts: tuple[Verdict, ...]) -> None:
    services = course.services
    if max((each.level for each in verdicts), key=LEVELS.index) == "high":
        course.add(blocked(verdicts, services))
    elif not all(passes(each, services) for each in verdicts):
        course.add(Held(at=services.now(), code=MODERATION, reason=told(verdicts), verdicts=verdicts))


def _verdict(subject: str, found: Finding, sha256: str = "") -> Verdict:
    return Verdict(
        subject=subject,
        service=found.service,
        level=found.level,
        labels=found.labels,
        request_id=found.request_id,
        at=found.at,
        sha256=sha256,
    )
