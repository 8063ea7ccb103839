"""Texts that try to steer the models: none becomes an instruction, and an answer that obeys is not used."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from shared.clouds.llm import Answer
from shared.composing import TEMPLATE, compose
from shared.facts import facts_of
from shared.judging import judge
from shared.prompts import FACTS_CLOSE, FACTS_OPEN, BriefInvalid, messages, parse_brief
from shared.trips import Consent, Stop, Team, Trip
from tests.unit.prompts.test_prompts import ANSWER, STYLE, answer

ATTACKS = {
    attack["name"]: attack["text"] for attack in json.loads(Path(__file__).with_name("attacks.json").read_text())
}
CHINA = timezone(timedelta(hours=8))

each_attack = pytest.mark.parametrize("text", list(ATTACKS.values()), ids=list(ATTACKS))

ENGLISH = {
    "title": "Wind by the lake",
    "caption": "Slow clouds and changing light.",
    "tags": ["road trip", "lake", "spring"],
    "alt_text": "Watercolour of a lake at dusk with an empty road.",
}


def a_trip(**fields) -> Trip:
    usual = {
        "trip_id": "T-1",
        "started_at": datetime(2024, 5, 2, 8, 0, tzinfo=CHINA),
        "ended_at": datetime(2024, 5, 2, 18, 0, tzinfo=CHINA),
        "start": Stop(city="上海市", weather="晴"),
        "end": Stop(city="湖州市", weather="多云"),
        "consent": Consent(process=True, publish=True, show_cities=True),
        "text": "雨里的西湖",
    }
    return Trip(**{**usual, **fields})


def told_in(question: str) -> dict[str, object]:
    return json.loads(question.split(FACTS_OPEN)[1].split(FACTS_CLOSE)[0])


def test_there_are_enough_of_them_in_both_languages() -> None:
    assert len(set(ATTACKS.values())) >= 60
    chinese = [text for text in ATTACKS.values() if re.search("[\u4e00-\u9fff]", text)]
    assert len(chinese) >= 20
    assert len(ATTACKS) - len(chinese) >= 30


@each_attack
def test_the_question_has_the_same_form_whatever_the_owner_wrote(text: str) -> None:
    facts = facts_of(a_trip(text=text, emoji=text[:32], team=Team(name=text[:60], size=2)))
    asked = messages(facts, STYLE)
    plain = messages(facts_of(a_trip(text="雨里的西湖" if facts.language == "zh" else "Rain over the lake")), STYLE)
    assert [message["role"] for message in asked] == ["system", "user"]
    assert asked[0] == plain[0]
    question = asked[1]["content"]
    before, after = question.index(FACTS_OPEN) + len(FACTS_OPEN), question.index(FACTS_CLOSE)
    assert question[:before] == plain[1]["content"][:before]
    assert question[after:] == plain[1]["content"][plain[1]["content"].index(FACTS_CLOSE) :]
    assert set("<>").isdisjoint(question[before:after])
    assert "|im_" not in question
    assert "[INST]" not in question
    told = told_in(question)
    assert told.keys() == told_in(plain[1]["content"]).keys()
    # The text stands in two fields only, and both hold no character that can't be seen.
    same = {**told, "words": "", "mood_tag": "", "mood": [], "head_count": 0}
    assert same == {
        **told_in(plain[1]["content"]),
        "words": "",
        "mood_tag": "",
        "mood": [],
        "head_count": 0,
        "language": same["language"],
    }
    assert not [c for c in told["words"] if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cn")]


@each_attack
def test_nothing_in_the_question_is_a_path_or_an_address(text: str) -> None:
    for message in messages(facts_of(a_trip(text=text, emoji=text[:32])), STYLE):
        if message["role"] == "user":
            assert not re.search(
                r"[a-z]{2,}://|file:|javascript:|/etc/|/proc/|[A-Za-z]:\\\\|\.dashscope", message["content"]
            )
        # The SDK reads and uploads a text that is the path of a file.
        assert not os.path.exists(message["content"])  # noqa: PTH110  (as the SDK asks)


def spoken(text: str) -> str:
    return " ".join(text.split())[:60]


@each_attack
@pytest.mark.parametrize("key", ["title", "caption", "alt_text", "tags", "painting_prompt", "negative_prompt"])
def test_an_answer_that_repeats_the_text_is_not_used(text: str, key: str) -> None:
    facts = facts_of(a_trip(text=text))
    echoed = spoken(text)
    good = ENGLISH if facts.language == "en" else {}
    changed = {
        "title": echoed[:20],
        "caption": echoed,
        "alt_text": echoed,
        "tags": ["自驾" if facts.language == "zh" else "road trip", echoed[:20], echoed[20:40] or "湖边"],
        "painting_prompt": f"{STYLE.phrase}: {text[:400]}",
        "negative_prompt": text[:300],
    }[key]
    try:
        brief = parse_brief(answer(**{**good, key: changed}), facts, STYLE)
    except BriefInvalid as error:
        assert error.field == key
        assert echoed not in str(error)
    else:
        # What may pass is the harmless beginning of a sentence, and words that ask nothing of anybody.
        assert key in ("title", "tags"), key
        shown = brief.title + " ".join(brief.tags)
        assert not re.search(
            r"https?|www|[<>{}\\|\[\]`$=@_]|\d{5}|微信|扫码|prompt|ignore (?:the|all)|忽略以上",
            shown.replace("{CITY}", ""),
        )


@each_attack
def test_a_model_that_obeys_twice_is_replaced_by_the_template(text: str) -> None:
    class Obedient:
        asked = 0

        def ask(self, asked: list[dict[str, str]]) -> Answer:
            self.asked += 1
            return Answer(answer(caption=f"{spoken(text)} https://evil.example"), "qwen", 1, 1)

    facts, model = facts_of(a_trip(text=text, emoji=text[:32])), Obedient()
    composition = compose(facts, STYLE, 7, model, name_places=True)  # type: ignore[arg-type]
    assert (composition.written_by, model.asked) == (TEMPLATE, 2)
    written = json.dumps(
        [composition.brief.title, composition.brief.caption, composition.brief.tags], ensure_ascii=False
    )
    assert text[:12] not in written
    assert "evil" not in written + composition.fallback


@each_attack
def test_a_picture_is_judged_by_words_that_no_trip_can_change(text: str) -> None:
    class Judge:
        asked: list[object]

        def ask(self, asked: list[object]) -> Answer:
            self.asked = asked
            return Answer(f'{{"style": 9, "clean": 9}} {text}', "qwen-vl", 1, 1)

    model = Judge()
    pixels = np.full((96, 96, 3), 128, np.uint8)
    try:
        points = judge(pixels, STYLE, model, with_car=False).points  # type: ignore[arg-type]
        assert points == {"style": 9.0, "clean": 9.0}
    except ValueError:
        # An answer with more in it than its JSON object is not believed.
        assert "}" in text
    system, user = model.asked  # type: ignore[misc]
    assert text not in json.dumps(system, ensure_ascii=False)
    assert [list(part) for part in user["content"]] == [["image"]]  # type: ignore[index]
    assert user["content"][0]["image"].startswith("data:image/jpeg;base64,")  # type: ignore[index]


BRIEF_OF_THE_MODEL = {
    "link": {"caption": "看 bit.ly/3abcd 就知道"},
    "domain in words": {"caption": "看 a点cn 就知道 zhang艾特qq点com"},
    "phone": {"caption": "电话一三八零零一三八零零零"},
    "plate": {"title": "沪A·12345出发"},
    "handle": {"caption": "微信zhangsan88一起玩"},
    "name with a title": {"caption": "王先生的车停在湖边"},
    "name in English": {"painting_prompt": "a wide lake at dusk, Mr. Smith waves from the empty road"},
    "brand zh": {"title": "开着特斯拉看湖"},
    "brand spaced": {"title": "开着特 斯 拉看湖"},
    "brand that is a word, beside a car": {"title": "长城汽车的风"},
    "brand en": {"painting_prompt": "a wide lake at dusk with an empty road and a Mercedes-Benz sign"},
    "brand with accents": {"negative_prompt": "Citroën, people"},
    "brand in Cyrillic": {"negative_prompt": "Теsla, people"},
    "call to scan": {"caption": "扫码看更多风景"},
    "call to add": {"title": "加微信领取风景"},
    "call to follow": {"alt_text": "水彩画，关注我看更多"},
    "call to click": {"tags": ["点击领取", "自驾", "湖边"]},
    "a call in tags split in two": {"tags": ["follow", "me", "自驾"]},
    "English where Chinese was asked": {"caption": "Slow clouds over the lake tonight."},
    "Chinese prompt": {"painting_prompt": "水彩画，湖边的黄昏，樱花盛开，前景是一条空旷的公路，云层很厚，光线柔和，远处有一座古塔，水面平静，倒影清晰。"},
    "the model speaks of itself": {"caption": "作为一个AI，我无法完成。"},
    "markup": {"caption": "云走得很慢<b>湖</b>"},
    "markdown": {"caption": "云[走](得)很慢`湖`"},
    "control characters": {"caption": "云\u202e走得很慢"},
    "a token that is none": {"caption": "云走得很慢{PHONE}"},
}  # fmt: skip


@pytest.mark.parametrize("changes", list(BRIEF_OF_THE_MODEL.values()), ids=list(BRIEF_OF_THE_MODEL))
def test_what_no_answer_may_say_is_refused_by_its_key(changes: dict[str, object]) -> None:
    with pytest.raises(BriefInvalid) as caught:
        parse_brief(answer(**changes), facts_of(a_trip()), STYLE)
    assert [caught.value.field] == list(changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"caption": "沿318国道走了三天，海拔5000米。"},
        {"title": "长城脚下的春天"},
        {"title": "理想的一天"},
        {"caption": "现代与古老之间，风很轻。"},
        {"caption": "小米粥和日出，都刚刚好。"},
        {"tags": ["G318", "自驾", "Citywalk"]},
        {"caption": "两个人，三天四座城！🌧️"},
        {"painting_prompt": f"{STYLE.phrase}: lotus on a mini lake, 35 mm, a focus of light, no car (dusk), 1930s pier; café"},
        {"alt_text": "水彩画：黄昏、樱花、湖面……前景开阔。"},
    ],
)  # fmt: skip
def test_ordinary_words_in_an_answer_are_no_fault(changes: dict[str, object]) -> None:
    assert parse_brief(answer(**changes), facts_of(a_trip()), STYLE)


def test_the_model_of_the_own_car_may_be_named() -> None:
    assert parse_brief(answer(caption="gen1停在湖边。"), replace(facts_of(a_trip()), car_model="gen1"), STYLE)


def test_the_answer_that_all_of_this_starts_from_is_a_good_one() -> None:
    assert parse_brief(answer(), facts_of(a_trip()), STYLE).title == ANSWER["title"]
    assert parse_brief(answer(**ENGLISH), facts_of(a_trip(text="Rain over the lake")), STYLE)
