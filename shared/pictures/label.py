"""The label in a picture's metadata: who made it, written for machines.

GB 45438-2025 asks for one metadata field that names the producer (6.1, Annex E). TC260-PG-20259A says where: the XMP
property ``TC260:AIGC``, its value the JSON of seven keys. Any re-save by an imaging library drops that metadata, so
labelling is the last change to a file, and `read_label` reads it back from the very bytes that are stored.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields, replace
from xml.etree import ElementTree
from xml.sax.saxutils import escape
from zlib import crc32

from shared.errors import InvalidInput
from shared.pictures.containers import Container, read_container
from shared.pictures.producer_code import check_producer_code

_NAMESPACE = "http://www.tc260.org.cn/ns/AIGC/1.0/"
#: What Annex E allows in a value: printable ASCII without space, quotation mark and backslash.
_VALUE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]*", re.ASCII)
_SEAL = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_UNSEALED = "sha256:" + 64 * "0"
#: A label takes less than 1 KiB.
_MOST_PACKET_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Label:
    """The seven values of Annex E, named as there; `label` "1" means: is generated."""

    Label: str
    ContentProducer: str
    ProduceID: str
    ReservedCode1: str
    ContentPropagator: str
    PropagateID: str
    ReservedCode2: str


def label_for(producer_code: str, content_id: str) -> Label:
    """The label of a picture at its first writing, where the propagator is the producer (Annex E, note 1).

    `ReservedCode1` is filled in by `sealed`. Raises `Misconfigured` for a bad code, and `InvalidInput` for a
    `content_id` that a label can't hold.
    """
    check_producer_code(producer_code)
    if not content_id or not _VALUE.fullmatch(content_id):
        raise InvalidInput("content_id", 'printable ASCII without space, " and \\')
    return Label("1", producer_code, content_id, _UNSEALED, producer_code, content_id, "")


def xmp_packet(label: Label) -> bytes:
    """The XMP packet that carries a label, UTF-8."""
    value = json.dumps(asdict(label), separators=(",", ":"))
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:TC260="{_NAMESPACE}"><TC260:AIGC>{escape(value)}</TC260:AIGC>'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def sealed(body: bytes, label: Label) -> bytes:
    """A file that carries `label`, with the integrity value of its own bytes as ``ReservedCode1``.

    Raises `InvalidInput` for a file without room for it: one that was not written with this label.
    """
    container = read_container(body)
    room = _UNSEALED.encode()
    if len(container.packets) != 1 or body.count(room) != 1:
        raise InvalidInput("picture", "a file with the label in it")
    start, end = container.packets[0]
    packet = body[start:end].replace(room, seal_of(body, container, label).encode())
    out = bytearray(body)
    out[start:end] = packet
    if container.kind == "PNG":
        # The chunk's checksum follows its data, and covers its type before it: find that by the length in front.
        begun = body.rindex(b"iTXt", 0, start)
        out[end : end + 4] = crc32(out[begun:end]).to_bytes(4, "big")
    return bytes(out)


def seal_of(body: bytes, container: Container, label: Label) -> str:
    """The integrity value of a file: of what its pixels and colours are made of, and of what its producer says.

    What a platform adds later (its own code, Exif) does not change it: Measures, Art. 6, asks platforms to add theirs.
    """
    said = (label.Label, label.ContentProducer, label.ProduceID)
    digest = hashlib.sha256("".join(f"{each}\n" for each in said).encode())
    view = memoryview(body)
    for start, end in container.picture:
        digest.update(view[start:end])
    return "sha256:" + digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from a file: its label, None without one, and whether the label's integrity value fits the file.

    `intact` is None when the label holds no value of this kind. `offset` is where the XMP packet begins, in bytes.
    """

    container: Container
    label: Label | None
    offset: int = 0
    intact: bool | None = None


def read_file(body: bytes) -> Reading:
    """Read a file's label. Raises `InvalidInput` for a file that is no whole picture, and for one with two labels."""
    container = read_container(body)
    found = [(start, label) for start, end in container.packets if (label := _label_in(body[start:end])) is not None]
    if not found:
        return Reading(container, None)
    if len(found) > 1:
        raise InvalidInput("picture", "one label, as GB 45438-2025 (6.1) asks")
    [(offset, label)] = found
    if not _SEAL.fullmatch(label.ReservedCode1):
        return Reading(container, label, offset)
    return Reading(container, label, offset, seal_of(body, container, label) == label.ReservedCode1)


def read_label(body: bytes) -> Label | None:
    """The label in the bytes of a PNG, JPEG, WebP or AVIF file, or None when there is none that can be read."""
    try:
        return read_file(body).label
    except InvalidInput:
        return None


def carries(body: bytes, label: Label) -> bool:
    """Whether a file carries this label, with an integrity value that fits."""
    try:
        reading = read_file(body)
    except InvalidInput:
        return False
    read = reading.label
    return read is not None and bool(reading.intact) and read == replace(label, ReservedCode1=read.ReservedCode1)


def _label_in(packet: bytes) -> Label | None:
    # No declarations: an entity may stand for gigabytes.
    if len(packet) > _MOST_PACKET_BYTES or b"<!" in packet:
        return None
    try:
        root = ElementTree.fromstring(packet.rstrip(b"\0"))  # noqa: S314  (small, and without declarations)
    except (ElementTree.ParseError, ValueError):
        return None
    name = f"{{{_NAMESPACE}}}AIGC"
    for element in root.iter():
        text = element.text if element.tag == name else element.get(name)
        if text is not None:
            return _label_of(text)
    return None


def _label_of(text: str) -> Label | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    names = {field.name for field in fields(Label)}
    if not isinstance(value, dict) or set(value) != names or not all(isinstance(each, str) for each in value.values()):
        return None
    return Label(**value)
