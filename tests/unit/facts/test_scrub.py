"""Scrubbing: what identifies people goes, what tells of the trip stays."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.facts import MAX_WORDS, scrub


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("我的电话13800138000,有事找我", "138"),
        ("电话 138-0013-8000 / +86 138 0013 8000", "0013"),
        ("１３８００１３８０００", "138"),
        ("打 138\u200b0013\u202e8000", "0013"),
        ("固话021-52341234转8", "5234"),
        ("一三八零零一三八零零零", "三八"),
        ("加微信号:abc_12345 一起玩", "abc"),
        ("QQ 12345678", "1234"),
        ("邮箱zhang.san@qq.com,多联系", "zhang"),
        ("看https://a.cn/b?c=1吧", "a.cn"),
        ("上taobao.com看看", "taobao"),
        ("车牌沪A·12345", "沪A"),
        ("新能源沪AD12345", "AD"),
        ("粤b 1234 学", "粤"),
        ("身份证11010519491231002X", "1949"),
        ("车架LSVAA4182E2123456", "LSV"),
        ("坐标31.2304,121.4737", "31.23"),
        ("在31.23,121.47集合", "121"),
        ("北纬31°14′30″东经121°28′", "31"),
        ("31.2304° N, 121.4737° E", "121"),
        ("住在申长路688号3号楼501室", "申长路"),
        ("住在申长路688号3号楼501室", "501"),
        ("从中山南路1891号-1893号出发", "1891"),
        ("申长路六百八十八号", "申长"),
        ("we live at 12 Baker Street, Apt 5", "Baker"),
        ("we live at 12 Baker Street, Apt 5", "5"),
        ("18:57到家", "18:57"),
        ("晚上8点30分出发", "30"),
        ("@小王 一起去", "小王"),
    ],
)
def test_what_identifies_people_goes(text: str, secret: str) -> None:
    assert secret not in scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "新司机的五一出游!",
        "全程645.4公里,3天4个人,太爽了!",
        "气温零下20度,28°C",
        "我们5月3号出发,沿318国道,坐2号线",
        "BMW 320i 和 G318 川藏线,海拔5000米",
        "一路向西,两个人三天四座城",
        "这条路一直走,道路100公里,沿途1000多公里一路2天",
        "累并快乐着!🎉",
        "去了云Garden看新Pagoda",
        "Drove all day through heavy snow, 3 kids and 2 dogs.",
        "五月二十一号到家",
    ],
)
def test_what_tells_of_the_trip_stays(text: str) -> None:
    assert scrub(text) == text


def test_text_becomes_one_printable_line() -> None:
    assert scrub("第一天\r\n第二天\x00\t\u2066第三天\u2069\ufeff\ue000") == "第一天 第二天 第三天"


def test_long_text_is_cut() -> None:
    assert scrub("长" * 500) == "长" * MAX_WORDS


ANY = st.text(max_size=40)


@given(st.text(max_size=500))
def test_scrubbed_text_is_clean_and_stays_as_it_is(text: str) -> None:
    once = scrub(text)
    assert len(once) <= MAX_WORDS
    assert once.isprintable()
    assert scrub(once) == once


@given(ANY, ANY, st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", " ", "-", "\u200b", "."]))
def test_no_telephone_number_gets_through(before: str, after: str, number: str, gap: str) -> None:
    written = gap.join((number[:3], number[3:7], number[7:]))
    kept = scrub(f"{before},{written},{after}")
    assert number not in re.sub(r"\D", "", kept) or number in re.sub(r"\D", "", scrub(before) + scrub(after))
    assert not re.search(r"\d[\d .-]{9,}\d", kept)


@given(ANY, st.sampled_from("京津沪渝粤浙苏新"), st.from_regex(r"[A-HJ-NP-Z][0-9]{5}", fullmatch=True))
def test_no_plate_gets_through(before: str, province: str, number: str) -> None:
    kept = scrub(f"{before} {province}{number[0]}·{number[1:]} 是我的车")
    assert f"{province}{number[0]}" not in kept
    assert "是我的车" in kept
