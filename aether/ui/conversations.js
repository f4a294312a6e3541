/*
 * The list of conversations, the way to one of them, and back after a reload, a crash or a
 * lost connection. Draws with text nodes alone: a title can be anything. It asks the server's
 * routes for the list, and presses wires of the page to open a conversation.
 */
(() => {
  "use strict";

  const $ = (selector) => document.querySelector(selector);
  const body = document.body;
  const DAY_MS = 86_400_000;
  let entries = [];
  let after = "";
  let words = "";
  let asked = 0;
  let current = "";
  let lastSettled = "";
  let lastMark = "";
  let wasBusy = false;
  let wasBegun = false;
  let restoring = "";
  let process = "";

  const node = (tag, { text, ...rest } = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), rest);
    if (text !== undefined) made.textContent = text;
    made.append(...children);
    return made;
  };
  const session = (name, value) => {
    try {
      if (value === undefined) return sessionStorage.getItem(`aether.${name}`);
      sessionStorage.setItem(`aether.${name}`, value);
    } catch {
      /* a browser may forbid it: then nothing is remembered */
    }
    return null;
  };

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
      if (!entries.length) $("#list")?.replaceChildren(node("p", { className: "empty", text: "The list cannot be read at the moment." }));
    }
  }

  /* ---- the list ------------------------------------------------------------------------------------ */

  function group(entry) {
    if (words) return "Found";
    if (entry.pinned) return "Pinned";
    const day = new Date(entry.updated_at * 1000);
    const today = new Date().setHours(0, 0, 0, 0);
    if (day >= today) return "Today";
    if (day >= today - DAY_MS) return "Yesterday";
    if (day >= today - 7 * DAY_MS) return "Last seven days";
    return day.toLocaleDateString(undefined, { month: "long", year: "numeric" });
  }

  function row(entry) {
    const open = node(
      "button",
      { type: "button", className: "open", title: entry.title },
      node("span", { className: "title", text: entry.title || "Untitled" }),
      node("span", { className: "chip", text: entry.model.split("/").pop() }),
    );
    open.addEventListener("click", () => go(entry.id));
    const more = node("button", { type: "button", className: "more", text: "⋯" });
    more.setAttribute("aria-label", `More for ${entry.title}`);
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
    if (!entries.length) shown.push(node("p", { className: "empty", text: words ? "Nothing found." : "Conversations will stand here." }));
    if (after) {
      const more = node("button", { type: "button", className: "older", text: "Older" });
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
    const box = node(
      "div",
      { id: "conversation-menu" },
      item("Rename", () => rename(entry)),
      item(entry.pinned ? "Unpin" : "Pin", () => change(entry.id, { pinned: !entry.pinned }).then(() => load(), failed)),
      item(entry.share ? "Share again" : "Share a snapshot", () => share(entry)),
      ...(entry.share ? [item("Stop sharing", () => unshare(entry))] : []),
      item("Delete", () => remove(entry)),
    );
    box.setAttribute("role", "menu");
    const place = button.getBoundingClientRect();
    box.style.top = `${Math.min(place.bottom, innerHeight - 210)}px`;
    box.style.left = `${Math.max(8, Math.min(place.left, innerWidth - 200))}px`;
    body.append(box);
    box.firstElementChild.focus();
  }
  const closeMenu = () => $("#conversation-menu")?.remove();

  function rename(entry) {
    const title = $(`[data-conversation="${entry.id}"] .title`);
    if (!title) return;
    const field = node("input", { value: entry.title, maxLength: 200, className: "rename" });
    field.setAttribute("aria-label", "New title");
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
    toast(`Deleted “${entry.title.slice(0, 40)}”`, "Undo", () => change(entry.id, { deleted: false }).then(() => load(), failed));
  }

  async function share(entry) {
    try {
      const made = await ask(`conversations/${entry.id}/share`, { method: "POST" });
      const link = `${location.origin}${location.pathname}?s=${made.share}`;
      load();
      toast(link, "Copy", () => navigator.clipboard?.writeText(link), 30_000);
    } catch {
      failed();
    }
  }

  const unshare = (entry) => ask(`conversations/${entry.id}/share`, { method: "DELETE" }).then(() => load(), failed);
  const failed = () => toast("That did not work. Try again.");

  function toast(text, action, act, lasts_ms = 10_000) {
    $("#toast")?.remove();
    const box = node("div", { id: "toast" }, node("span", { text }));
    box.setAttribute("role", "status");
    if (action) {
      const button = node("button", { type: "button", text: action });
      button.addEventListener("click", () => {
        box.remove();
        act();
      });
      box.append(button);
    }
    body.append(box);
    setTimeout(() => box.remove(), lasts_ms);
  }

  /* ---- going to a conversation ------------------------------------------------------------------------ */

  function press(wanted) {
    const field = $("#open-id textarea, #open-id input");
    if (!field) return;
    field.value = wanted;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    requestAnimationFrame(() => $("#open")?.click());
  }

  function go(id) {
    restoring = id;
    press(id);
    if (!matchMedia("(min-width: 1100px)").matches) body.classList.remove("sidebar-open");
  }

  function address(id) {
    const url = new URL(location);
    for (const name of ["c", "s"]) url.searchParams.delete(name);
    if (id) url.searchParams.set("c", id);
    if (url.href !== location.href) history.replaceState(history.state, "", url);
  }

  /* What the server said about the conversation that is shown. */
  function marked(mark) {
    body.classList.toggle("reading", Boolean(mark.dataset.shared) || mark.dataset.follows === "1");
    body.classList.remove("restoring");
    if (mark.dataset.shared) return;
    const id = mark.dataset.id ?? "";
    if (id !== current || mark.dataset.gone) address(id);
    current = id;
    if (mark.dataset.follows === "1") setTimeout(() => current === id && press(id), 1_200);
    else if (restoring) requestAnimationFrame(() => scrollBack(id));
    load();
  }

  function remember() {
    if (!current || restoring) return;
    const cell = [...document.querySelectorAll("#chat .prompt")].find((one) => one.getBoundingClientRect().bottom > 0);
    const isAtEnd = document.documentElement.scrollHeight - innerHeight - scrollY < 140;
    const place = isAtEnd || !cell ? "" : `${cell.dataset.prompt}:${Math.round(cell.getBoundingClientRect().top)}`;
    session(`scroll.${current}`, place);
  }

  function scrollBack(id, tries = 0) {
    const [turn, offset] = (session(`scroll.${id}`) ?? "").split(":");
    const cell = turn ? $(`#chat .prompt[data-prompt="${turn}"]`) : [...document.querySelectorAll("#chat .prompt")].pop();
    if (!cell && tries < 60) {
      if (turn && $("#chat .prompt") && tries % 10 === 9) $("#earlier")?.click();
      setTimeout(() => scrollBack(id, tries + 1), 50);
      return;
    }
    const top = turn && cell ? scrollY + cell.getBoundingClientRect().top - Number(offset) : document.documentElement.scrollHeight;
    scrollTo({ top, behavior: "instant" });
    restoring = "";
  }

  /* ---- a server that went away, or came back as another -------------------------------------------------- */

  async function beat() {
    let wait_ms = 5_000;
    try {
      const answer = await ask("alive");
      body.classList.remove("offline");
      if (process && answer.process !== process) {
        location.reload(); // what stands in the composer outlives that: `states.js` keeps it
        return;
      }
      if (!process && answer.notice) toast(answer.notice);
      process = answer.process;
    } catch {
      body.classList.add("offline");
      wait_ms = 1_000;
    }
    setTimeout(beat, wait_ms);
  }

  /* ---- listening ------------------------------------------------------------------------------------------ */

  function look() {
    const busy = body.classList.contains("busy");
    const settled = $("#live .settled")?.dataset.word ?? "";
    const begun = Boolean($("#live .writing")); // by then the server has the message, and its conversation a name
    if ((busy && !wasBusy) || (begun && !wasBegun) || (settled && settled !== lastSettled)) $("#mark")?.click();
    wasBusy = busy;
    wasBegun = begun;
    lastSettled = settled || lastSettled;
    const mark = $("#conversation .keeping");
    const word = mark ? (mark.dataset.word ?? mark.dataset.shared) : "";
    if (mark && word !== lastMark) {
      lastMark = word;
      marked(mark);
    }
  }

  function begin() {
    const wanted = new URLSearchParams(location.search);
    if (wanted.get("s")) press(`s:${wanted.get("s")}`);
    else if (wanted.get("c")) go(wanted.get("c"));
    else body.classList.remove("restoring");
    load();
    beat();
  }

  if (/[?&][cs]=/.test(location.search)) body.classList.add("restoring");
  let begun = false;
  let due = false;
  new MutationObserver(() => {
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      if (!begun && body.dataset.ready === "true" && $("#list") && $("#open")) {
        begun = true;
        begin();
      }
      if (begun) look();
    });
  }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["class", "data-ready"] });

  let typed;
  document.addEventListener("input", (event) => {
    if (event.target.id !== "find") return;
    clearTimeout(typed);
    typed = setTimeout(() => {
      words = event.target.value.trim();
      load();
    }, 180);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.(".copy-shared")) press(`copy:${event.target.closest(".shared").dataset.shared}`);
    if (!event.target.closest?.("#conversation-menu, .more")) closeMenu();
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenu());
  let scrolled;
  addEventListener("scroll", () => {
    clearTimeout(scrolled);
    scrolled = setTimeout(remember, 120);
  }, { passive: true });
  addEventListener("pagehide", remember);
})();
