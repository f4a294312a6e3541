/*
 * Which conversation the page shows, and the way back to it: after a reload, a crash, a lost
 * connection, or a server that is another one now. To open a conversation it presses a wire of the page.
 */
(() => {
  "use strict";

  const $ = (selector) => document.querySelector(selector);
  const { say, wire } = window.aether;
  const body = document.body;
  const BEAT_MS = 5_000;
  const RETRY_MS = 1_000;
  const FOLLOW_MS = 1_200;
  const TROUBLE_MS = 3_000;
  let current = "";
  let lastSettled = "";
  let lastMark = "";
  let wasBegun = false;
  let restoring = "";
  let process = "";

  const session = (name, value) => {
    try {
      if (value === undefined) return sessionStorage.getItem(`aether.${name}`);
      sessionStorage.setItem(`aether.${name}`, value);
    } catch {
      /* a browser may forbid it: then nothing is remembered */
    }
    return null;
  };

  /* ---- going to a conversation ------------------------------------------------------------------------ */

  const press = (wanted) => wire("#open-id", "#open", wanted);

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
    const { shared = "", id = "", follows, gone, lost, trouble } = mark.dataset;
    if (lost === "1") return move();
    body.classList.toggle("reading", Boolean(shared) || follows === "1");
    body.classList.remove("restoring");
    if (shared) return;
    if (id !== current || gone) address(id);
    current = id;
    if (follows === "1") setTimeout(() => current === id && press(id), FOLLOW_MS);
    else if (restoring) requestAnimationFrame(() => scrollBack(id));
    if (trouble === "1") setTimeout(() => $("#mark")?.click(), TROUBLE_MS);
    document.dispatchEvent(new CustomEvent("aether:shown", { detail: { id } }));
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

  /* Another server knows nothing of this page: load it anew. What stands in the composer outlives that (`states.js`). */
  function move() {
    if ($("#composer textarea")?.value) session("moved", "1");
    location.reload();
  }

  let beating;
  async function beat() {
    clearTimeout(beating);
    let wait_ms = BEAT_MS;
    try {
      const answer = await fetch("api/alive", { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const now = await answer.json();
      body.classList.remove("offline");
      if (!process && now.notice) window.aether.toast(now.notice);
      process ||= now.process;
      if (now.process !== process) {
        if (!body.dataset.line) return move();
        wait_ms = RETRY_MS; // the old server still writes this page's answer
      }
    } catch {
      body.classList.add("offline");
      wait_ms = RETRY_MS;
    }
    clearTimeout(beating); // two may have asked at once
    beating = setTimeout(beat, wait_ms);
  }

  /* ---- listening ------------------------------------------------------------------------------------------ */

  function look() {
    const settled = $("#live .settled")?.dataset.word ?? "";
    const begun = Boolean($("#live .writing")); // by then the server has the message, and its conversation a name
    if ((begun && !wasBegun) || (settled && settled !== lastSettled)) $("#mark")?.click();
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
    document.dispatchEvent(new CustomEvent("aether:shown", { detail: { id: "" } }));
    if (session("moved")) window.aether.toast(say("kept.moved"));
    session("moved", "");
    beat();
  }

  if (/[?&][cs]=/.test(location.search)) body.classList.add("restoring");
  let begun = false;
  function watched() {
    if (!begun && body.dataset.ready === "true" && $("#list") && $("#open")) {
      begun = true;
      begin();
    }
    if (begun) look();
  }
  window.aether.watch(watched, { later: queueMicrotask, attributeFilter: ["class", "data-ready"] });

  document.addEventListener("aether:open", ({ detail }) => go(detail.id));
  document.addEventListener("aether:broken", () => beat());
  document.addEventListener("click", ({ target }) => {
    const copy = target.closest?.(".copy-shared");
    if (copy) press(`copy:${copy.closest(".shared").dataset.shared}`);
  });
  let scrolled;
  addEventListener("scroll", () => {
    clearTimeout(scrolled);
    scrolled = setTimeout(remember, 120);
  }, { passive: true });
  addEventListener("pagehide", remember);
})();
