"""The styles a trip can be painted in: which one suits it, and what is wrong with a file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import Misconfigured
from shared.facts import facts_of
from shared.gazetteer import find_city
from shared.styles import Style, Suits, choose_style, load_styles
from shared.trips import parse_trip
from shared.workflows import FOLDER
from tests.unit.steps.deployment import EXAMPLES

SHIPPED = load_styles(FOLDER / "styles")
FACTS = facts_of(parse_trip((EXAMPLES / "02-west-lake-rain.json").read_bytes()))
FILE = (FOLDER / "styles" / "ink_wash.toml").read_text("utf-8")


def style(name: str, **suits: tuple[str, ...]) -> Style:
    return Style(
        id=name, name_zh="水墨", name_en=name, description_zh="", description_en="", phrase=name, negative="",
        palette={}, suits=Suits(**suits),
    )  # fmt: skip


def choice(*styles: Style) -> str:
    return choose_style(FACTS, {style.id: style for style in styles}).id


def test_the_shipped_styles_can_all_be_read_and_are_in_order():
    assert list(SHIPPED) == sorted(SHIPPED)
    assert len(SHIPPED) == 6


def test_the_style_that_suits_the_trip_best_is_chosen():
    rain = style("rain", weather=("rain", "overcast"), seasons=("spring",), mood=("calm",))
    assert choice(rain, style("sun", weather=("sunny",))) == "rain"


def test_the_kind_of_place_counts_twice():
    """Two points ahead wins always; one point ahead leaves it to the trip."""
    place = find_city("杭州市").place
    assert choice(style("a"), style("b"), style("there", places=(place,)), style("c")) == "there"


def test_a_trip_that_suits_no_style_gets_one_all_the_same():
    assert choice(style("a", weather=("snow",)), style("b", seasons=("winter",))) in ("a", "b")


def test_the_same_trip_always_gets_the_same_style_and_like_trips_not_always_the_same():
    equal = {name: style(name) for name in ("a", "b", "c", "d")}
    assert len({choose_style(FACTS, equal).id for _ in range(5)}) == 1
    moods = [replace(FACTS, mood=(mood,)) for mood in ("calm", "joyful", "lonely", "nostalgic", "tired", "proud")]
    assert len({choose_style(facts, equal).id for facts in moods}) > 1


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("ink_wash", FILE.replace('phrase = "Chinese', 'prase = "Chinese'), "prase"),
        ("ink_wash", FILE.replace("[suits]", "[suits"), "ink_wash.toml"),
        ("ink_wash", FILE.replace('seasons = ["autumn", "winter"]', 'seasons = "秋"'), "seasons"),
        ("oil", FILE, "id must be 'oil'"),
    ],
    ids=["misspelt key", "no TOML", "wrong type", "wrong id"],
)
def test_a_style_with_a_fault_names_its_file_and_the_fault(tmp_path, name, content, fault):
    (tmp_path / f"{name}.toml").write_text(content, "utf-8")
    with pytest.raises(Misconfigured) as raised:
        load_styles(tmp_path)
    assert f"{name}.toml" in str(raised.value)
    assert fault in str(raised.value)


def test_a_folder_without_styles_is_a_fault_of_the_deployment(tmp_path):
    with pytest.raises(Misconfigured, match="no styles"):
        load_styles(tmp_path)
