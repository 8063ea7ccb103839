"""The feed as its readers see it, in a real browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    Visit = Callable[..., Page]

MARKUP = "<img src=x onerror=\"document.title='hurt'\"><script>document.title='hurt'</script>"


def cards(page: Page) -> Locator:
    return page.locator(".card:not(.skeleton)")


def test_an_empty_feed_says_so_in_both_languages(page: Page, feed: Any) -> None:
    page.goto(feed.url)
    expect(page.get_by_role("heading", name="还没有帖子")).to_be_visible()
    expect(page.get_by_text("No posts yet")).to_be_visible()
    expect(cards(page)).to_have_count(0)


def test_a_card_shows_what_the_post_says(page: Page, feed: Any) -> None:
    feed.publish()
    page.goto(feed.url)
    card = page.get_by_role("article", name="太湖边的晚风")
    for text in [
        "三天六百公里，把五月的湖光装进后视镜。",
        "#江南",
        "水彩",
        "上海市 · 湖州市 · 无锡市",
        "2024年5月5日",
        "刚刚",
    ]:
        expect(card.get_by_text(text, exact=True)).to_be_visible()
    picture = card.get_by_role("img", name="水彩画：傍晚的湖边公路")
    expect(card.locator(".picture")).to_have_class(re.compile("loaded"))
    assert picture.get_attribute("lang") == "zh-CN"
    box = card.locator(".picture").bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(4 / 5, abs=0.01)


def test_a_card_without_city_date_or_caption_leaves_no_trace_of_them(page: Page, feed: Any) -> None:
    feed.publish(cities=[], date=None, distance_km=None, caption="", tags=[])
    page.goto(feed.url)
    card = cards(page).first
    expect(card).to_be_visible()
    for selector in [".where", ".trip", ".caption", ".tags"]:
        expect(card.locator(selector)).to_have_count(0)


@pytest.mark.parametrize(("ending", "shown"), [("avif", "avif"), ("broken", "png")])
def test_avif_is_shown_where_it_can_be_and_the_common_file_where_not(
    page: Page, feed: Any, ending: str, shown: str
) -> None:
    sizes = [(768, 960), (384, 480)]
    feed.publish(images=[feed.image(*size, name) for size in sizes for name in ("", "{}x{}.{}".format(*size, ending))])
    page.goto(feed.url)
    frame = cards(page).locator(".picture.loaded")
    expect(frame).to_have_count(1)
    image = frame.locator("img")
    assert image.evaluate("image => image.currentSrc.split('.').at(-1)") == shown
    assert image.evaluate("image => image.naturalWidth > 0")
    expect(cards(page).locator(".apology")).to_have_count(0)


def test_a_post_leads_to_its_share_card(page: Page, feed: Any) -> None:
    post = feed.publish(share_card=feed.image(768, 1225))
    page.goto(f"{feed.url}/posts/{post}")
    expect(page.get_by_role("link", name="打开分享卡片")).to_have_attribute("href", feed.image(768, 1225)["url"])


def test_every_picture_carries_the_ai_mark(page: Page, feed: Any) -> None:
    for _ in range(3):
        feed.publish()
    page.goto(feed.url)
    marks = cards(page).locator(".picture").get_by_text("AI生成", exact=True)
    expect(marks).to_have_count(3)
    for mark in marks.all():
        expect(mark).to_be_visible()
        # Whatever lies on top at the middle of the mark must be the mark itself or the card's link, never the picture.
        assert mark.evaluate(
            """mark => {
                const box = mark.getBoundingClientRect();
                const top = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2);
                return top.indexOf(mark) < top.indexOf(mark.parentElement.querySelector("img"));
            }"""
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground_in_both_schemes(visit: Visit, feed: Any, scheme: Any) -> None:
    feed.publish()
    page = visit(color_scheme=scheme)
    page.goto(feed.url)
    expect(cards(page).first).to_be_visible()
    # WCAG 2.2, 1.4.3: 4.5 to 1 for text of this size.
    contrasts = page.evaluate(
        """() => {
            const channels = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
            const light = colour => channels(colour)
                .map(value => value / 255)
                .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
                .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
            const ground = light(getComputedStyle(document.querySelector(".card")).backgroundColor);
            const texts = document.querySelectorAll(".card .words :is(h2, .caption, .tags, .where, .trip, .ago)");
            return [...texts].map(text => {
                const pair = [light(getComputedStyle(text).color), ground];
                return [text.className || text.tagName, (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05)];
            });
        }"""
    )
    assert len(contrasts) == 6
    assert {name: round(ratio, 2) for name, ratio in contrasts if ratio < 4.5} == {}


def test_a_new_post_appears_without_reloading(page: Page, feed: Any) -> None:
    feed.publish(title="昨天的路")
    page.goto(feed.url)
    expect(page.locator("#live")).to_have_text("实时更新中")
    page.evaluate("window.sameDocument = true")
    feed.publish(title="刚到家")
    expect(cards(page).first.get_by_role("heading")).to_have_text("刚到家")
    expect(page.locator("#announcement")).to_have_text("新帖子：刚到家")
    assert page.evaluate("window.sameDocument")


def test_a_page_finds_back_to_a_feed_that_was_away(visit: Visit, feed: Any) -> None:
    page = visit(expected="Failed to load resource")
    page.goto(feed.url)
    expect(page.locator("#live")).to_have_text("实时更新中")
    feed.crash()
    expect(page.locator("#live")).to_have_text("正在重新连接…")
    feed.start()
    feed.publish(title="断线时到家")
    expect(cards(page).first.get_by_role("heading")).to_have_text("断线时到家", timeout=20_000)


def test_a_reader_who_has_scrolled_on_is_told_and_keeps_their_place(page: Page, feed: Any) -> None:
    for number in range(12):
        feed.publish(title=f"第{number}程")
    page.goto(feed.url)
    expect(page.locator("#live")).to_have_text("实时更新中")
    cards(page).last.scroll_into_view_if_needed()
    place = page.evaluate("window.scrollY")
    assert place > 240
    feed.publish(title="刚到家")
    told = page.get_by_role("button", name="1 篇新帖子")
    expect(told).to_be_visible()
    expect(cards(page)).to_have_count(12)
    assert page.evaluate("window.scrollY") == place
    told.click()
    expect(cards(page).first.get_by_role("heading")).to_have_text("刚到家")
    expect(told).to_be_hidden()


def test_a_withdrawn_post_disappears(page: Page, feed: Any) -> None:
    post_id = feed.publish(title="请忘记我")
    page.goto(feed.url)
    expect(page.locator("#live")).to_have_text("实时更新中")
    expect(cards(page)).to_have_count(1)
    feed.withdraw(post_id)
    expect(page.get_by_role("heading", name="还没有帖子")).to_be_visible()


def test_drafts_are_absent(page: Page, feed: Any) -> None:
    feed.publish(title="草稿", visibility="draft")
    feed.publish(title="公开")
    page.goto(feed.url)
    expect(cards(page)).to_have_count(1)
    expect(page.get_by_text("草稿")).to_have_count(0)


def test_markup_is_shown_as_text_everywhere(page: Page, feed: Any) -> None:
    post_id = feed.publish(
        title=MARKUP[:100],
        caption=MARKUP,
        tags=["<b>粗体</b>"],
        cities=["<i>上海市</i>"],
        alt_text='"><script>document.title="hurt"</script>',
        style={"id": "ink", "name_zh": "<u>水墨</u>", "name_en": "Ink"},
        ai_notice="<s>AI生成</s>",
    )
    page.goto(feed.url)
    card = cards(page).first
    expect(card.locator(".caption")).to_have_text(MARKUP)
    expect(card.locator(".mark")).to_have_text("<s>AI生成</s>")
    card.get_by_role("link").click()
    expect(page.get_by_role("dialog").locator(".caption")).to_have_text(MARKUP)
    page.goto(f"{feed.url}/posts/{post_id}")
    expect(page.locator(".detail .caption")).to_have_text(MARKUP)
    assert page.locator("main :is(script, b, i, u, s):not(.line)").count() == 0
    assert "hurt" not in page.title().replace(MARKUP[:100], "")


def test_a_post_opens_over_the_wall_and_the_back_button_closes_it(page: Page, feed: Any) -> None:
    post_id = feed.publish()
    page.goto(feed.url)
    cards(page).first.get_by_role("link").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="太湖边的晚风")).to_be_visible()
    expect(dialog.get_by_text("645 公里")).to_be_visible()
    expect(dialog.locator(".picture").get_by_text("AI生成", exact=True)).to_be_visible()
    expect(page).to_have_url(f"{feed.url}/posts/{post_id}")
    expect(page).to_have_title("太湖边的晚风 · 车友圈")
    page.go_back()
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(f"{feed.url}/")
    page.go_forward()
    expect(dialog).to_be_visible()


def test_a_post_is_reached_and_left_by_keyboard(page: Page, feed: Any) -> None:
    feed.publish()
    page.goto(feed.url)
    expect(cards(page)).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(cards(page).first.get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="关闭")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(cards(page).first.get_by_role("link")).to_be_focused()
    expect(page).to_have_url(f"{feed.url}/")


def test_a_post_can_be_opened_by_its_address(page: Page, feed: Any) -> None:
    post_id = feed.publish()
    answer = page.goto(f"{feed.url}/posts/{post_id}")
    assert answer is not None
    assert answer.status == 200
    expect(page.get_by_role("heading", name="太湖边的晚风")).to_be_visible()
    expect(page).to_have_title("太湖边的晚风 · 车友圈")
    page.get_by_role("link", name="返回车友圈").click()
    expect(cards(page)).to_have_count(1)


def test_the_address_of_a_draft_shows_nothing_of_it(visit: Visit, feed: Any) -> None:
    post_id = feed.publish(title="草稿", visibility="draft")
    page = visit(expected="status of 404")
    answer = page.goto(f"{feed.url}/posts/{post_id}")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="帖子不存在，或尚未公开")).to_be_visible()
    assert "草稿" not in page.content()


def test_a_picture_that_is_gone_leaves_words_and_mark(visit: Visit, feed: Any) -> None:
    feed.publish(images=[feed.image(768, 960, "gone.png")])
    page = visit(expected="status of 404")
    page.goto(feed.url)
    card = cards(page).first
    expect(card.get_by_text("图片暂时无法显示")).to_be_visible()
    expect(card.get_by_text("AI生成", exact=True)).to_be_visible()
    expect(card.get_by_role("heading", name="太湖边的晚风")).to_be_visible()


def test_earlier_posts_come_as_the_reader_goes_on(page: Page, feed: Any) -> None:
    for number in range(25):
        feed.publish(title=f"第{number}程")
    page.goto(feed.url)
    expect(cards(page).first.get_by_role("heading")).to_have_text("第24程")
    page.mouse.wheel(0, 20_000)
    expect(cards(page)).to_have_count(25)
    expect(page.get_by_role("button", name="再看看更早的")).to_be_hidden()
    titles = cards(page).get_by_role("heading").all_text_contents()
    assert titles == [f"第{number}程" for number in reversed(range(25))]


@pytest.mark.parametrize(("width", "columns"), [(360, 2), (390, 2), (800, 3), (1280, 4), (1440, 4)])
def test_the_wall_fits_phone_tablet_and_desk(page: Page, feed: Any, width: int, columns: int) -> None:
    feed.publish(
        title="W" * 100, caption="没有空格的一长串" * 40, tags=["长" * 40] * 5, cities=["很长的城市名" * 5] * 8
    )
    feed.publish(style={"id": "long", "name_zh": "很长的画风名字" * 5, "name_en": "A" * 40})
    for _ in range(4):
        feed.publish()
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(feed.url)
    expect(cards(page)).to_have_count(6)
    boxes = [box for card in cards(page).all() if (box := card.bounding_box())]
    assert len({round(box["x"]) for box in boxes}) == columns
    for index, box in enumerate(boxes):
        for other in boxes[index + 1 :]:
            assert (
                box["x"] + box["width"] <= other["x"]
                or other["x"] + other["width"] <= box["x"]
                or box["y"] + box["height"] <= other["y"]
                or other["y"] + other["height"] <= box["y"]
            ), "two cards overlap"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cards(page).last.get_by_role("link").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.get_by_role("dialog").evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")


def test_the_page_speaks_english_to_readers_of_other_languages(visit: Visit, feed: Any) -> None:
    feed.publish()
    page = visit(locale="de-DE")
    page.goto(feed.url)
    expect(page.get_by_role("link", name="Carfolk")).to_be_visible()
    card = cards(page).first
    expect(card.get_by_text("Watercolour")).to_be_visible()
    expect(card.get_by_text("AI生成", exact=True)).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"
    assert card.get_by_role("heading").get_attribute("lang") == "zh-CN"
    expect(page.get_by_text("stand-in for a car maker")).to_be_visible()


def test_the_page_asks_only_this_site_and_the_post_s_pictures(page: Page, feed: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    feed.publish()
    page.goto(feed.url)
    expect(page.locator(".picture.loaded")).to_have_count(1)
    foreign = [url for url in asked if not url.startswith(feed.url)]
    assert len(foreign) == 1
    assert foreign[0].endswith("480.png"), "the smallest rendition that fills the card"
