"""Scrubbing: what identifies people goes, what tells of the trip stays."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.scrubbing import MAX_WORDS, identifies, scrub


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
        ("打1 3 8 0 0 1 3 8 0 0 0", "0 0"),
        ("138.0013.8000 或 138·0013·8000", "0013"),
        ("138_0013_8000", "0013"),
        ("138杠0013杠8000", "0013"),
        ("❶❸❽⓿⓿❶❸❽⓿⓿⓿", "❽"),
        ("1️⃣3️⃣8️⃣0️⃣0️⃣1️⃣3️⃣8️⃣0️⃣0️⃣0️⃣", "8"),
        ("١٣٨٠٠١٣٨٠٠٠", "٣"),
        ("壹叁捌零零壹叁捌零零零", "捌"),
        ("138零零13八零零零", "13"),
        ("1̶3̶8̶0̶0̶1̶3̶8̶0̶0̶0̶", "3"),
        ("call one three eight zero zero one three eight zero", "eight"),
        ("(021) 5234-1234", "5234"),
        ("400-820-8820", "820"),
        ("身份证１１０１０５１９４９１２３１００２Ｘ", "1949"),
        ("护照E12345678", "1234"),
        ("车牌 沪 A 1 2 3 4 5", "2 3"),
        ("沪ＡＤ１２３４５", "23"),
        ("沪А12345", "1234"),
        ("浙江A·12345", "1234"),
        ("京A·D1234学", "1234"),
        ("LSVAA 4182 E212 3456", "4182"),
        ("VIN: LSVAA4182E2123456", "LSV"),
        ("车架号后八位 E2123456", "2123"),
        ("zhang.san(at)qq(dot)com", "zhang"),
        ("zhang at gmail dot com", "gmail"),
        ("ｚｈａｎｇ＠ｑｑ．ｃｏｍ", "ｚ"),
        ("zhang艾特qq点com", "zhang"),
        ("V信: abc_12345", "abc"),
        ("加vx:zhangsan88", "zhang"),
        ("薇信zhangsan88", "zhang"),
        ("微 信 zhangsan88", "zhang"),
        ("+v zhangsan88", "zhang"),
        ("加我 zhangsan88", "zhang"),
        ("扣扣12345678", "1234"),
        ("q号1 2 3 4 5", "2 3"),
        ("Q群:54321", "543"),
        ("WeChat: anna_l", "anna"),
        ("wechat anna_1988", "anna"),
        ("IG: roadtrip.anna", "anna"),
        ("file:///etc/passwd", "etc"),
        ("看 C:\\Users\\me\\a.png", "Users"),
        ("读 /etc/passwd 吧", "etc"),
        ("我家在申长花园小区", "申长"),
        ("公司在环球金融大厦旁边", "环球"),
        ("回到金色维也纳花苑", "维也纳"),
        ("住在万科城市花园3期", "万科"),
        ("my home at 12 Green Lane", "Green"),
        ("I work at Globex Corporation", "Globex"),
        ("our flat in Kew Gardens", "Kew"),
        ("Shenchang Road No. 688", "688"),
        ("北纬三十一度", "三十一"),
        ("8Q336FFV+XX", "336"),
        ("///filled.count.soap", "soap"),
        ("八点半到家", "八点"),
        ("住西湖区文三路", "文三"),
        ("我住在朝阳区望京街", "望京"),
        ("加我微xin abc12345", "abc"),
        ("vx❤️ abc12345", "abc"),
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
        "北京2月22日 3000,4000,5000米",
        "❤️ 记得带相机☀️",
        "走完川G4217蓉昌高速,新G30连霍高速",
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


@pytest.mark.parametrize(
    "written",
    ["追风小队", "追 风 小 队", "追·风·小·队", "追\u200b风\u2060小队", "追-风-小-队", "追️风小队"],
)
def test_what_is_known_to_be_private_goes_however_it_is_written(written: str) -> None:
    assert scrub(f"今天{written}出发", ["追风小队"]) == "今天 出发"


def test_a_short_private_word_is_not_taken_out_of_longer_ones() -> None:
    assert scrub("Go west, good old road", ["go"]) == "west, good old road"
    assert scrub("ZQ-KESTREL zq kestrel ＺＱ＿ＫＥＳＴＲＥＬ", ["zq_kestrel"]) == ""


def test_a_text_built_in_layers_is_given_up() -> None:
    text = "138"
    for _ in range(20):
        text = f"13800{text}138000a@b.cn"
    assert not re.search(r"\d{5}", scrub(text))


ADVERSARIAL = [
    "a", "1", "138-", "a.b@", "a@a.", "沪A·", "微信:", "我家在", "王", "王先", "儿子", "my home at ", "Mr. A", "one two ", "31.23,",
    "路", "[", "a.b.", "\u200b1\u0336", "王 先 ", "住", "小", "我叫", "1:", "/", "//", "<|",
]  # fmt: skip


@pytest.mark.parametrize("unit", ADVERSARIAL)
def test_time_is_linear_in_the_length_of_the_text_whatever_is_in_it(unit: str) -> None:
    def seconds(length: int) -> float:
        text = (unit * length)[:length]
        begun = time.process_time()
        for _ in range(4000 // length):
            identifies(text)
        return time.process_time() - begun

    seconds(500)
    # Eight times the length in one piece: eight times dearer when time is quadratic.
    assert min(seconds(4000) for _ in range(3)) < 4 * max(seconds(500) for _ in range(3)) + 0.01


def test_a_text_longer_than_any_trips_is_not_passed_on_at_all() -> None:
    begun = time.process_time()
    assert scrub("138-0013-8000 长" * 20_000) == ""
    assert time.process_time() - begun < 0.1
