"""The gazetteer: a clean table, and names found however they are written."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.gazetteer import City, cities_in_text, city_in_address, display_name, find_city, load_cities
from shared.vocabulary import PLACES, SIGHT_FORMS

CITIES = load_cities()
ABROAD = {
    "日本",
    "韩国",
    "泰国",
    "新加坡",
    "马来西亚",
    "法国",
    "英国",
    "美国",
    "冰岛",
    "澳大利亚",
    "新西兰",
    "南非",
    "巴西",
}
IN_CHINA = [city for city in CITIES if city.province_zh not in ABROAD]


def test_china_is_covered_province_by_province() -> None:
    assert len(IN_CHINA) >= 140
    # 23 provinces, 5 autonomous regions, 4 municipalities, 2 special administrative regions.
    assert len({city.province_zh for city in IN_CHINA}) == 34


def test_places_and_sights_are_drawable() -> None:
    for city in CITIES:
        assert city.place in PLACES, city.name_zh
        assert 1 <= len(city.sights) <= 2, city.name_zh
        for sight in city.sights:
            assert sight.form in SIGHT_FORMS, (city.name_zh, sight.form)


def test_every_cell_is_clean() -> None:
    for city in CITIES:
        names = [city.name_zh, city.name_en, city.province_zh, city.province_en]
        names += [name for sight in city.sights for name in (sight.name_zh, sight.name_en)]
        for name in names:
            assert name, city
            assert name == name.strip(), name
        for name in (city.name_en, city.province_en, *(sight.name_en for sight in city.sights)):
            assert name.isascii(), name


def test_coordinates_lie_where_the_country_is() -> None:
    for city in CITIES:
        assert -90 < city.latitude < 90
        assert -180 <= city.longitude <= 180
    for city in IN_CHINA:
        assert 18 < city.latitude < 54, city.name_zh
        assert 73 < city.longitude < 136, city.name_zh


def test_no_name_stands_for_two_cities() -> None:
    for names in (
        [city.name_zh for city in CITIES],
        [city.name_en.casefold() for city in CITIES],
        [display_name(city.name_zh, "zh") for city in CITIES],
    ):
        assert [name for name, count in Counter(names).items() if count > 1] == []


def test_a_province_is_spelt_one_way() -> None:
    assert len({city.province_zh for city in CITIES}) == len({(c.province_zh, c.province_en) for c in CITIES})


@given(st.sampled_from(CITIES))
def test_every_city_is_found_by_each_of_its_names(city: City) -> None:
    for name in (
        city.name_zh,
        display_name(city.name_zh, "zh"),
        city.name_en,
        city.name_en.upper(),
        f" {city.name_zh} ",
    ):
        assert find_city(name) == city


@pytest.mark.parametrize(
    ("name", "city"),
    [
        ("上海", "上海市"),
        ("上海市", "上海市"),
        ("Shanghai", "上海市"),
        ("shanghai city", "上海市"),
        ("xian", "西安市"),
        ("Xi’an", "西安市"),
        ("大理白族自治州", "大理市"),
        ("延边朝鲜族自治州", "延边州"),
        ("巴音郭楞蒙古自治州", "巴音郭楞州"),
        ("恩施土家族苗族自治州", "恩施州"),
        ("香港特别行政区", "香港"),
        ("臺北市", "台北市"),
        ("喀什", "喀什地区"),
        ("皇后镇", "皇后镇"),
    ],
)
def test_lookup_forgives_how_a_name_is_written(name: str, city: str) -> None:
    found = find_city(name)
    assert found is not None
    assert found.name_zh == city


@pytest.mark.parametrize("name", ["", " ", "市", "吉林省", "广东", "莫须有市", "南京西路", "Atlantis", "上海滩的夜"])
def test_what_is_no_known_city_is_not_found(name: str) -> None:
    assert find_city(name) is None


@pytest.mark.parametrize(
    ("address", "city"),
    [
        ("上海市闵行区申长路688号", "上海市"),
        ("上海市黄浦区中山南路1891号-1893号", "上海市"),
        ("上海闵行区申长路688号", "上海市"),
        ("浙江省湖州市德清县莫干山镇", "湖州市"),
        ("浙江湖州德清", "湖州市"),
        ("中国 江苏省 苏州市 姑苏区", "苏州市"),
        ("广西壮族自治区桂林市阳朔县西街", "阳朔县"),
        ("甘肃省酒泉市敦煌市阳关中路", "敦煌市"),
        ("四川省阿坝藏族羌族自治州九寨沟县", "九寨沟县"),
        ("新疆维吾尔自治区喀什地区塔什库尔干塔吉克自治县", "塔什库尔干县"),
        ("吉林省长春市朝阳区", "长春市"),
        ("吉林省吉林市船营区", "吉林市"),
        ("海南省三亚市吉阳区", "三亚市"),
        ("湖北省随州市曾都区", "随州市"),
        ("静安区南京西路1266号,上海市", "上海市"),
        ("南京西路1266号", ""),
        ("688 Shenchang Road, Minhang, Shanghai", "上海市"),
        ("88 Nanjing Road, Huangpu, Shanghai, China", "上海市"),
        ("12 Macquarie St, Sydney NSW 2000", "悉尼"),
        ("菜市场对面", ""),
        ("浙江省老张家旁边的菜市场", ""),
        ("日照花园3号", ""),
        ("山东省日照市东港区", "日照市"),
        ("", ""),
    ],
)
def test_the_city_of_an_address(address: str, city: str) -> None:
    assert city_in_address(address) == city


@pytest.mark.parametrize(
    ("text", "cities"),
    [
        ("从上海出发,经湖州、无锡到常州,再回上海", ["上海市", "湖州市", "无锡市", "常州市"]),
        ("From Xi'an to Lijiang and Hong Kong, then along Nanjing Road", ["西安市", "丽江市", "香港"]),
        ("在北京都不下雪", ["北京市"]),
        ("山西安全,江西安静,湖南通车", []),
        ("长白山大同小异,阿里巴巴,日照充足", []),
        ("大同市和日照市", ["大同市", "日照市"]),
        ("大理石和北海道,北海公园,南京东路", []),
        ("东京和京都", ["东京", "京都"]),
        ("no city at all", []),
    ],
)
def test_cities_named_in_a_text(text: str, cities: list[str]) -> None:
    assert [city.name_zh for city in cities_in_text(text)] == cities


@given(st.text(max_size=60))
def test_any_text_can_be_asked_for_cities(text: str) -> None:
    known = {city.name_zh for city in CITIES}
    assert {city.name_zh for city in cities_in_text(text)} <= known
    city_in_address(text)
    find_city(text)


@pytest.mark.parametrize(
    ("city", "language", "shown"),
    [
        ("上海市", "zh", "上海"),
        ("上海市", "en", "Shanghai"),
        ("Shanghai", "zh", "上海"),
        ("兰州市", "zh", "兰州"),
        ("兰州", "zh", "兰州"),
        ("延边州", "zh", "延边"),
        ("黟县", "zh", "黟县"),
        ("随州市", "zh", "随州"),
        ("随州市", "en", "随州"),
        ("沙市", "zh", "沙市"),
    ],
)
def test_a_city_is_shown_in_the_language_of_the_reader(city: str, language: str, shown: str) -> None:
    assert display_name(city, language) == shown
