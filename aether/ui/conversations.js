/*
 * The list of a visitor's conversations: by day, found by words, renamed, pinned, shared, deleted.
 * It draws with text nodes alone: a title can be anything. It asks the server's routes, and says
 * `aether:open` for a conversation that is chosen; `place.js` says `aether:shown` for the one on the page.
 */
(() => {
  "use strict";

  const $ = (selector) => document.querySelector(selector);
  const { say, language } = window.aether;
  const node = (...made) => window.aether.node(...made);
  const toast = (...said) => window.aether.toast(...said);
  const tell = (what, id) => document.dispatchEvent(new CustomEvent(`aether:${what}`, { detail: { id } }));
  const DAY_MS = 86_400_000;
  let entries = [];
  let after = "";
  let words = "";
  let asked = 0;
  let current = "";

  /* ---- the server -------------------------------------------------------------------------------- */

  async function ask(path, options) {
    const answer = await fetch(`api/${path}`, options);
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }
  const change = (id, what) =>
    ask(`conversations/${id}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(what),
    });

  async function load(more = false) {
    const mine = ++asked;
    const query = new URLSearchParams({ q: words, after: more ? after : "" });
    try {
      const page = await ask(`conversations?${query}`);
      if (mine !== asked) return; // a newer question was asked meanwhile
      const known = new Set(more ? entries.map((one) => one.id) : []);
      entries = [...(more ? entries : []), ...page.entries.filter((one) => !known.has(one.id))];
      after = page.after;
      draw();
    } catch {
      if (!entries.length) $("#list")?.replaceChildren(node("p", { className: "empty", text: say("list.unread") }));
    }
  }

  /* ---- the list ------------------------------------------------------------------------------------ */

  function group(entry) {
    if (words) return say("list.found");
    if (entry.pinned) return say("list.pinned");
    const day = new Date(entry.updated_at * 1000);
    const today = new Date().setHours(0, 0, 0, 0);
    if (day >= today) return say("list.today");
    if (day >= today - DAY_MS) return say("list.yesterday");
    if (day >= today - 7 * DAY_MS) return say("list.week");
    return day.toLocaleDateString(language, { month: "long", year: "numeric" });
  }

  function row(entry) {
    const open = node(
      "button",
      { type: "button", className: "open", title: entry.title },
      node("span", { className: "title", text: entry.title || say("list.untitled") }),
      node("span", { className: "chip", text: entry.model.split("/").pop() }),
    );
    open.addEventListener("click", () => tell("open", entry.id));
    const more = node("button", { type: "button", className: "more", text: "⋯" });
    more.setAttribute("aria-label", say("list.more", { title: entry.title }));
    more.setAttribute("aria-haspopup", "menu");
    more.addEventListener("click", (event) => menu(event.currentTarget, entry));
    const made = node("div", { className: "conversation" }, open, more);
    made.dataset.conversation = entry.id;
    if (entry.id === current) made.setAttribute("aria-current", "true");
    return made;
  }

  function draw() {
    const list = $("#list");
    if (!list) return;
    const shown = [];
    let last = "";
    for (const entry of entries) {
      const name = group(entry);
      if (name !== last) shown.push(node("h3", { text: (last = name) }));
      shown.push(row(entry));
    }
    if (!entries.length) shown.push(node("p", { className: "empty", text: say(words ? "list.nothing" : "list.empty") }));
    if (after) {
      const more = node("button", { type: "button", className: "older", text: say("list.older") });
      more.addEventListener("click", () => load(true));
      shown.push(more);
      watcher.disconnect();
      watcher.observe(more);
    }
    list.replaceChildren(...shown);
  }
  const watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && load(true));

  function menu(button, entry) {
    closeMenu();
    const item = (text, act) => {
      const made = node("button", { type: "button", text });
      made.setAttribute("role", "menuitem");
      made.addEventListener("click", () => {
        closeMenu();
        act();
      });
      return made;
    };
    const sharing = item(say(entry.share ? "list.share_again" : "list.share"), () => share(entry));
    sharing.setAttribute("aria-describedby", "share-means");
    const box = node(
      "div",
      { id: "conversation-menu" },
      item(say("list.rename"), () => rename(entry)),
      item(say(entry.pinned ? "list.unpin" : "list.pin"), () => change(entry.id, { pinned: !entry.pinned }).then(() => load(), failed)),
      sharing,
      node("p", { id: "share-means", text: say("list.share_means") }),
      ...(entry.share ? [item(say("list.unshare"), () => unshare(entry))] : []),
      item(say("list.delete"), () => remove(entry)),
    );
    box.setAttribute("role", "menu");
    const place = button.getBoundingClientRect();
    document.body.append(box);
    box.style.top = `${Math.min(place.bottom, innerHeight - box.offsetHeight - 8)}px`;
    box.style.left = `${Math.max(8, Math.min(place.left, innerWidth - box.offsetWidth - 8))}px`;
    box.firstElementChild.focus();
  }
  const closeMenu = () => $("#conversation-menu")?.remove();

  function rename(entry) {
    const title = $(`[data-conversation="${entry.id}"] .title`);
    if (!title) return;
    const field = node("input", { value: entry.title, maxLength: 200, className: "rename" });
    field.setAttribute("aria-label", say("list.title"));
    let done = false;
    const end = async (keep) => {
      if (done) return;
      done = true;
      if (keep && field.value.trim() && field.value !== entry.title) await change(entry.id, { title: field.value }).catch(failed);
      load();
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") end(true);
      if (event.key === "Escape") end(false);
    });
    field.addEventListener("blur", () => end(true));
    title.closest(".conversation").replaceChildren(field);
    field.select();
  }

  async function remove(entry) {
    try {
      await change(entry.id, { deleted: true });
    } catch {
      failed();
      return;
    }
    if (entry.id === current) $("#new")?.click();
    load();
    const title = [...entry.title].slice(0, 40).join("");
    toast(say("list.deleted", { title }), say("list.undo"), () => change(entry.id, { deleted: false }).then(() => load(), failed));
  }

  async function share(entry) {
    try {
      const made = await ask(`conversations/${entry.id}/share`, { method: "POST" });
      const link = `${location.origin}${location.pathname}?s=${made.share}`;
      load();
      toast(link, say("list.copy"), () => navigator.clipboard?.writeText(link), 30_000);
    } catch {
      failed();
    }
  }

  const unshare = (entry) => ask(`conversations/${entry.id}/share`, { method: "DELETE" }).then(() => load(), failed);
  const failed = () => toast(say("list.failed"));

  /* ---- listening ------------------------------------------------------------------------------------------ */

  document.addEventListener("aether:shown", ({ detail }) => {
    current = detail.id;
    load();
  });
  let typed;
  document.addEventListener("input", (event) => {
    if (event.target.id !== "find") return;
    clearTimeout(typed);
    typed = setTimeout(() => {
      words = event.target.value.trim();
      load();
    }, 180);
  });
  document.addEventListener("click", (event) => event.target.closest?.("#conversation-menu, .more") || closeMenu());
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenu());
})();
