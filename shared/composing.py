"""The brief of a trip: asked of the model, checked, asked once more with the fault named, or written from the template.

A trip never fails because the model can't answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.clouds.llm import Answer, TextModel
from shared.errors import Misconfigured, Refused, ServiceError
from shared.facts import TripFacts
from shared.prompts import Brief, BriefInvalid, messages, parse_brief, repair_messages
from shared.styles import Style
from shared.template_writer import write_brief

TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Composition:
    """A valid brief and who wrote it. `fallback` says why the template did; tokens count every answer.

    `refusal` is the code of the model's service, when it refused to answer; it may be its content check's.
    """

    brief: Brief
    written_by: str
    fallback: str
    answers: tuple[Answer, ...]
    refusal: str = ""

    @property
    def rounds(self) -> int:
        """How often the model answered."""
        return len(self.answers)

    @property
    def input_tokens(self) -> int:
        """Tokens the model read."""
        return sum(answer.input_tokens for answer in self.answers)

    @property
    def output_tokens(self) -> int:
        """Tokens the model wrote."""
        return sum(answer.output_tokens for answer in self.answers)


def compose(facts: TripFacts, style: Style, seed: int, model: TextModel, *, name_places: bool) -> Composition:
    """Write the brief. Never raises for what a service does or answers.

    Without `name_places` no text of the post may name a place, not even by a sight; the template's texts never do.
    """
    asked = messages(facts, style)
    answers: list[Answer] = []
    fault = refusal = ""
    for _ in range(2):
        try:
            answers.append(model.ask(asked))
        except (ServiceError, Misconfigured) as error:
            fault = str(error)
            refusal = error.code if isinstance(error, Refused) else ""
            break
        try:
            brief = parse_brief(answers[-1].text, facts, style, name_places=name_places)
        except BriefInvalid as error:
            fault = f"answer {len(answers)}: {error}"
            asked = repair_messages(asked, answers[-1].text, str(error))
            continue
        return Composition(brief, answers[-1].model, "", tuple(answers))
    return replace(by_template(facts, style, seed, fault, tuple(answers)), refusal=refusal)


def by_template(facts: TripFacts, style: Style, seed: int, fault: str, answers: tuple[Answer, ...] = ()) -> Composition:
    """The brief as the template writes it, with the fault that made it necessary."""
    return Composition(write_brief(facts, style, seed), TEMPLATE, fault, answers)
