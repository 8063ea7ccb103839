// A post as elements. Posts are untrusted: text goes in as text nodes, addresses only if they are http(s).

import { calendarDay, fullTime, kilometres, language, timeAgo, words } from "./words.js";

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const spoken = (content) => (content.language === "zh" ? "zh-CN" : "en");

// Returns the address in its escaped form without commas, which separate the entries of a srcset.
function webAddress(address) {
  const url = URL.canParse(address) ? new URL(address) : null;
  return url && ["http:", "https:"].includes(url.protocol) ? url.href.replaceAll(",", "%2C") : "";
}

function picture(content, sizes, { eager = false, chip = null } = {}) {
  // Every reader shows the others; those that show AVIF get the same picture in fewer bytes.
  const isAvif = ({ content_type }) => content_type === "image/avif";
  const widths = (images) => images.map(({ url, width }) => `${webAddress(url)} ${width}w`).join(", ");
  const common = content.images.filter((file) => !isAvif(file));
  const [largest] = common;
  const image = make("img", {
    alt: content.alt_text,
    lang: spoken(content),
    width: largest.width,
    height: largest.height,
    decoding: "async",
    loading: eager ? "eager" : "lazy",
    sizes,
    srcset: widths(common),
    src: webAddress(largest.url),
  });
  const avif = content.images.filter(isAvif);
  const source = avif.length === 0 ? null : make("source", { type: "image/avif", sizes, srcset: widths(avif) });
  const frame = make("div", { class: "picture" }, make("picture", {}, source, image), mark(content), chip);
  image.addEventListener("load", () => frame.classList.add("loaded"));
  image.addEventListener("error", () => {
    if (source?.isConnected) {
      source.remove();
      return;
    }
    frame.classList.add("broken");
    frame.append(make("span", { class: "apology" }, words.broken));
  });
  return frame;
}

function mark(content) {
  return make("span", { class: "mark", lang: "zh-CN", title: words.generated }, content.ai_notice);
}

function style({ style: { name_zh, name_en } }) {
  return make("span", { class: "style", dir: "auto" }, language === "zh" ? name_zh : name_en);
}

function tags(content) {
  if (content.tags.length === 0) return null;
  const items = content.tags.map((tag) => make("li", { dir: "auto" }, `#${tag.replace(/^#/, "")}`));
  return make("ul", { class: "tags", lang: spoken(content) }, ...items);
}

function ago(post) {
  const when = post.published_at;
  return make("time", { class: "ago", datetime: when, title: fullTime(when) }, timeAgo(when));
}

export function refreshTimes(root) {
  for (const element of root.querySelectorAll("time.ago")) element.textContent = timeAgo(element.dateTime);
}

export function card(post, { eager = false } = {}) {
  const { content } = post;
  const title = make("h2", { id: `title-${post.post_id}`, lang: spoken(content), dir: "auto" });
  title.append(make("a", { href: `/posts/${post.post_id}` }, content.title));
  const where = content.cities.length === 0 ? null
    : make("p", { class: "where", lang: spoken(content), dir: "auto" }, content.cities.join(" · "));
  const trip = content.date === null ? null
    : make("time", { class: "trip", datetime: content.date }, calendarDay(content.date));
  const article = make("article", { class: "card", "aria-labelledby": title.id },
    picture(content, "(min-width: 1080px) 280px, (min-width: 720px) 33vw, 50vw", { eager, chip: style(content) }),
    make("div", { class: "words" },
      title,
      content.caption === "" ? null
        : make("p", { class: "caption", lang: spoken(content), dir: "auto" }, content.caption),
      tags(content),
      where,
      make("p", { class: "foot" }, trip, ago(post))));
  return make("li", { class: "slot", "data-post": post.post_id }, article);
}

export function detail(post) {
  const { content } = post;
  const facts = [
    [words.style, style(content)],
    [words.date, content.date === null ? null : make("time", { datetime: content.date }, calendarDay(content.date))],
    [words.distance, content.distance_km === null ? null : kilometres(content.distance_km)],
    [words.cities, content.cities.length === 0 ? null
      : make("span", { lang: spoken(content), dir: "auto" }, content.cities.join(" · "))],
    [words.posted, ago(post)],
  ].filter(([, value]) => value !== null);
  return make("article", { class: "detail", "aria-labelledby": "detail-title" },
    picture(content, "(min-width: 820px) 560px, 100vw", { eager: true }),
    make("div", { class: "words" },
      make("h1", { id: "detail-title", lang: spoken(content), dir: "auto" }, content.title),
      make("p", { class: "caption", lang: spoken(content), dir: "auto" }, content.caption),
      tags(content),
      content.share_card === null ? null
        : make("a", { class: "share", href: webAddress(content.share_card.url), target: "_blank", rel: "noopener" },
          words.share),
      make("dl", {}, ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
      make("p", { class: "generated" }, words.generated)));
}

export function skeleton() {
  const line = (width) => make("i", { class: `line ${width}` });
  return make("li", { class: "slot", "aria-hidden": "true" },
    make("div", { class: "card skeleton" },
      make("div", { class: "picture" }),
      make("div", { class: "words" }, line("long"), line("mid"), line("short"))));
}

export function notice(heading, explanation, action) {
  return make("div", { class: "notice" }, make("h1", {}, heading), explanation ? make("p", {}, explanation) : null, action);
}
