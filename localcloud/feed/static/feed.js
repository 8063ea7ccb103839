// The page: the wall of posts, one post over it or alone, and the events that keep both up to date.

import { card, detail, make, notice, refreshTimes, skeleton } from "./card.js";
import { fillWords, words } from "./words.js";

const feed = document.getElementById("feed");
const wall = document.getElementById("wall");
const more = document.getElementById("more");
const fresh = document.getElementById("fresh");
const empty = document.getElementById("empty");
const single = document.getElementById("single");
const dialog = document.getElementById("detail");
const live = document.getElementById("live");

const posts = new Map();
const unseen = [];
let nextBefore = null;

const postIn = (path) => /^\/posts\/([^/]+)$/.exec(path)?.[1] ?? null;

async function ask(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

// The wall: a grid of thin rows, each card spanning as many as it is high. Elements stay in the order of the posts,
// as keyboards and screen readers need it.

const ROW_PX = 2;  // grid-auto-rows of .wall

const heights = new ResizeObserver((entries) => {
  const gap = parseFloat(getComputedStyle(wall).columnGap);
  for (const { target } of entries) {
    const height = target.getBoundingClientRect().height + gap;
    target.parentElement.style.gridRowEnd = `span ${Math.ceil(height / ROW_PX)}`;
  }
});

function place(slot, where) {
  wall[where](slot);
  heights.observe(slot.firstElementChild);
}

function lift(slot) {
  heights.unobserve(slot.firstElementChild);
  slot.remove();
}

function showEmptiness() {
  empty.hidden = wall.childElementCount > 0;
  wall.hidden = !empty.hidden;
}

async function readFeed() {
  more.hidden = true;
  const page = await ask(`/api/feed${nextBefore === null ? "" : `?before=${nextBefore}`}`);
  const first = nextBefore === null;
  if (first) [...wall.children].forEach(lift);
  page.posts.forEach((post, index) => {
    if (posts.has(post.post_id)) return;
    posts.set(post.post_id, post);
    place(card(post, { eager: first && index < 4 }), "append");
  });
  nextBefore = page.next_before;
  more.hidden = nextBefore === null;
  feed.setAttribute("aria-busy", "false");
  showEmptiness();
  return page.last_event_id;
}

function showUnseen() {
  for (const post of unseen.splice(0)) {
    const slot = card(post, { eager: true });
    slot.classList.add("arriving");
    place(slot, "prepend");
  }
  fresh.hidden = true;
  showEmptiness();
}

function arrive(post) {
  if (posts.has(post.post_id)) return;
  posts.set(post.post_id, post);
  unseen.push(post);
  document.getElementById("announcement").textContent = words.appeared(post.content.title);
  // A reader who has scrolled on keeps their place; the new posts wait behind a button.
  if (window.scrollY < 240) showUnseen();
  else {
    fresh.textContent = words.fresh(unseen.length);
    fresh.hidden = false;
  }
}

function depart(postId) {
  posts.delete(postId);
  const waiting = unseen.findIndex((post) => post.post_id === postId);
  if (waiting >= 0) unseen.splice(waiting, 1);
  if (unseen.length === 0) fresh.hidden = true;
  else fresh.textContent = words.fresh(unseen.length);
  const slot = wall.querySelector(`[data-post="${CSS.escape(postId)}"]`);
  if (slot) lift(slot);
  if (!feed.hidden) showEmptiness();
  if (postIn(location.pathname) === postId) showMissing();
}

function listen(after) {
  const events = new EventSource(`/events?after=${after}`);
  const say = (state) => {
    live.dataset.state = state;
    live.textContent = words[state];
  };
  events.addEventListener("open", () => say("live"));
  events.addEventListener("error", () => say("waiting"));
  events.addEventListener("post.created", ({ data }) => { if (!feed.hidden) arrive(JSON.parse(data)); });
  events.addEventListener("post.removed", ({ data }) => depart(JSON.parse(data).post_id));
}

// One post: over the wall when reached from it, alone when opened by its address.

function showOver(post) {
  const close = make("button", { class: "close", type: "button", "aria-label": words.close }, "×");
  close.addEventListener("click", () => dialog.close());
  dialog.replaceChildren(close, detail(post));
  dialog.setAttribute("aria-labelledby", "detail-title");
  document.title = `${post.content.title} · ${words.name}`;
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function showMissing() {
  const back = make("a", { class: "button", href: "/" }, words.back);
  const message = notice(words.missing, words.missingWhy, back);
  if (dialog.open) dialog.replaceChildren(message);
  else single.replaceChildren(message);
}

async function showAlone(postId) {
  feed.hidden = true;
  single.hidden = false;
  const page = await ask("/api/feed?limit=1");
  const post = await ask(`/api/feed/${encodeURIComponent(postId)}`);
  if (post === null) showMissing();
  else {
    document.title = `${post.content.title} · ${words.name}`;
    single.replaceChildren(make("a", { class: "back", href: "/" }, `‹ ${words.back}`), detail(post));
  }
  return page.last_event_id;
}

wall.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/posts/']");
  const post = link && posts.get(postIn(link.pathname));
  if (!post || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState({ over: true }, "", link.href);
  showOver(post);
});

dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("close", () => {
  // Told late: by now the forward button may have opened it again.
  if (dialog.open) return;
  document.title = words.name;
  if (history.state?.over) history.back();
});
window.addEventListener("popstate", () => {
  const post = posts.get(postIn(location.pathname));
  if (post && !feed.hidden) showOver(post);
  else if (dialog.open) dialog.close();
});

fresh.addEventListener("click", () => {
  window.scrollTo({ top: 0 });
  showUnseen();
});
more.addEventListener("click", () => readFeed().catch(() => { more.hidden = false; }));
new IntersectionObserver(([entry]) => { if (entry.isIntersecting && !more.hidden) more.click(); }, { rootMargin: "600px" })
  .observe(more);
setInterval(() => refreshTimes(document), 30_000);

async function start() {
  const postId = postIn(location.pathname);
  if (!postId) Array.from({ length: 8 }, skeleton).forEach((slot) => place(slot, "append"));
  try {
    listen(await (postId ? showAlone(postId) : readFeed()));
  } catch {
    const again = make("button", { class: "button", type: "button" }, words.retry);
    again.addEventListener("click", () => location.reload());
    feed.hidden = true;
    single.hidden = false;
    single.replaceChildren(notice(words.failed, null, again));
  }
}

fillWords(document);
document.title = words.name;
start();
