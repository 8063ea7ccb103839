"""The dead-letter queue from a person's side: its letters taken in hand, and put back, sent again or thrown away."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from types import TracebackType

from shared.clouds.messages import QueuedMessage
from shared.clouds.objects import NotFound
from shared.dead_letters import (
    Hopeless,
    Letter,
    as_received,
    check_redrive,
    journeys_of,
    letter_id,
    publications,
    read_letter,
)
from shared.errors import ServiceError
from shared.events import Message
from shared.rejection import send_letter
from shared.services import Services

#: The largest original: what a direct invocation carries.
MAX_ORIGINAL_BYTES = 32 * 1024 * 1024
#: Letters that a command has put back are seen again after a second; the next command waits that long for them.
_WAIT_S = 2


class LetterBox:
    """The letters in the queue, held while this is open.

    A queue can't be looked through: a peek shows 16 messages and always the same ones. So letters are received, which
    hides them from others, and whatever was not removed is released at the end. When a command is killed, its letters
    come back after the queue's visibility timeout (30 s unless it was set otherwise). Nothing is ever sent anew to be
    put back: ids, times and order stay.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._queue = services.settings.need("dead_letter_queue")
        self._held: dict[str, QueuedMessage] = {}

    def __enter__(self) -> LetterBox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for message in self._held.values():
            # What can't be released now comes back by itself.
            with contextlib.suppress(ServiceError):
                self._services.messages.release(self._queue, message)

    def letters(self) -> Iterator[Letter]:
        """Every letter that lay in the queue at the first look, once each.

        What arrives later is left out: a letter that is sent again and fails again must not be met again.
        """
        hidden_for = self._services.messages.state(self._queue).hidden_for
        first_look, seen = None, set[str]()
        while batch := self._receive():
            # By the service's own clock, which this machine's need not agree with.
            first_look = first_look or min(message.hidden_until for message in batch) - hidden_for
            fresh = [m for m in batch if m.id not in seen and m.enqueued_at <= first_look]
            self._held |= {letter_id(message.id): message for message in batch}
            for message in fresh:
                seen.add(message.id)
                yield read_letter(message, self._services.styles)
            if not fresh:
                return

    def original(self, letter: Letter) -> bytes:
        """The original bytes. Raises `Hopeless` when they are not kept, or are not what the letter says they are."""
        if letter.absence:
            raise Hopeless(letter.absence)
        content = self.kept(letter)
        if content is None:
            raise Hopeless("the object that held its bytes is gone")
        if not letter.holds(content):
            raise Hopeless("its bytes are not those that the letter's hash was made of")
        return content

    def kept(self, letter: Letter) -> bytes | None:
        """Whatever bytes are kept of the original, unchecked; None when there are none."""
        if letter.content is not None or not letter.object_key:
            return letter.content
        try:
            return self._services.ledger.bucket.get(letter.object_key, max_bytes=MAX_ORIGINAL_BYTES)
        except NotFound:
            return None

    def redrive(self, letter: Letter) -> tuple[str, ...]:
        """Publish the original again, then remove the letter; returns the journeys that it is about.

        A command that ends in between leaves the letter: it is sent again with the next redrive, which the journeys
        pass over. Raises `Hopeless` when nothing was sent, `TripcanvasError` when a service did not do its part.
        """
        services = self._services
        check_redrive(letter, services.styles)
        bodies = publications(letter, self.original(letter), services.styles)
        for body in bodies:
            services.messages.publish(services.settings.need(letter.topic), body)
        self._remove(letter)
        found = [journeys_of(letter.topic, as_received(body), services.styles) for body in bodies]
        return tuple(dict.fromkeys(journey for journeys in found for journey in journeys))

    def discard(self, letter: Letter) -> None:
        """Remove the letter, and the object that holds its bytes if there is one."""
        self._remove(letter)
        if letter.object_key:
            self._services.ledger.bucket.delete(letter.object_key)

    def keep(self, letter: Letter, messages: Iterable[Message]) -> None:
        """Put messages out of a letter into letters of their own."""
        for message in messages:
            send_letter("", message, letter.code, letter.reason, self._services)

    def unseen(self) -> int:
        """About how many letters lie in the queue that this box does not hold: in other hands, or new."""
        return max(0, self._services.messages.state(self._queue).length - len(self._held))

    def _receive(self) -> list[QueuedMessage]:
        """The next letters; waits a little for those that another command has just put back."""
        messages = self._services.messages
        batch = messages.receive(self._queue)
        if batch:
            return batch
        hidden = messages.state(self._queue).length - len(self._held)
        return messages.receive(self._queue, wait_s=_WAIT_S) if hidden > 0 else []

    def _remove(self, letter: Letter) -> None:
        if not self._services.messages.delete(self._queue, self._held[letter.id]):
            raise ServiceError("mns", "ReceiptHandleError", f"letter {letter.id} was held too long and stays")
        del self._held[letter.id]
