"""Names of persons go where something tells that they are names; words that look like names stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.scrubbing import identifies, scrub

CAPTIONS = (Path(__file__).parent / "ordinary_captions.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("今天和王先生一起爬山", "王"),
        ("多谢李阿姨的饺子", "李"),
        ("张总请客", "张"),
        ("张 总 请 客,王 先 生 也来了", "王"),
        ("张伟先生送我们到机场", "张伟"),
        ("欧阳老师带队", "欧阳"),
        ("和陈师傅学开车", "陈"),
        ("刘哥开得真稳", "刘"),
        ("黄老师也来了", "黄"),
        ("周工第一次看海", "周工"),
        ("老王带路,小李拍照", "王"),
        ("老王带路,小李拍照", "李"),
        ("阿强的车坏了", "阿强"),
        ("我老公张伟开了一整天", "张伟"),
        ("我女儿朵朵第一次看海", "朵朵"),
        ("儿子叫小宝,三岁", "小宝"),
        ("女儿叫朵朵", "朵朵"),
        ("闺蜜李娜,同事孙浩", "李娜"),
        ("闺蜜李娜,同事孙浩", "孙浩"),
        ("我叫张三丰,来自武当", "三丰"),
        ("大家好,我叫朵拉", "朵拉"),
        ("我的名字叫赵敏", "赵敏"),
        ("我是徐志摩。", "志摩"),
        ("和杨过一起自驾", "杨过"),
        ("联系人刘德华", "德华"),
        ("车主陈晓明。", "陈晓明"),
        ("Thanks to Mr. Smith for the tip", "Smith"),
        ("with mrs jones in the back", "jones"),
        ("Dr Zhang drove, Uncle Bob slept", "Zhang"),
        ("Dr Zhang drove, Uncle Bob slept", "Bob"),
        ("my name is anna and I love roads", "anna"),
        ("My name is Anna Schmidt.", "Schmidt"),
        ("my husband Tom and our daughter Lily loved it", "Tom"),
        ("my husband Tom and our daughter Lily loved it", "Lily"),
        ("just call me Max", "Max"),
        ("I'm John Miller from Leeds", "Miller"),
        ("Mr. Ѕmith waved", "mith"),
        ("ＭＲ. Ｓｍｉｔｈ waved", "Smith"),
        ("王\u200b先\u2060生来了", "王"),
    ],
)
def test_a_name_goes_where_a_title_a_kinship_or_a_sentence_tells_that_it_is_one(text: str, name: str) -> None:
    assert name not in scrub(text)
    assert identifies(text)


def test_there_are_enough_ordinary_captions() -> None:
    assert len(set(CAPTIONS)) >= 60


@pytest.mark.parametrize("caption", CAPTIONS)
def test_an_ordinary_caption_stays_as_it_is(caption: str) -> None:
    assert scrub(caption) == caption
    assert not identifies(caption)
