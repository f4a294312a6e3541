/*
 * The answer that is being written, as it comes over the page's own line: what is new of its
 * markup, put into the page so that what stands there already stays the same node. The markup
 * was made safe on the server. It knows neither models nor what the markup means.
 */
(() => {
  "use strict";

  const $ = (selector) => document.querySelector(selector);
  const ASK_AGAIN_MS = 3_000;
  const isBusy = () => document.body.classList.contains("busy");
  let following = null; // the line that is open
  let newest = 0; // of the turns that came over a line, or that the history shows
  let before = 0; // what that was when the line was opened
  let isSending = false; // the line that was opened last began its turn itself
  let asking = null;
  let unbegun = "";
  let known = 0; // the newest turn of which the server's event has said that it began
  let isKept = false; // the server has committed the message that is being answered

  function place() {
    let area = $("#live > .stream");
    if (!area) {
      area = document.createElement("div");
      area.className = "stream";
      $("#live").append(area);
    }
    return area;
  }

  /* ---- markup → nodes ------------------------------------------------------------------- */

  const isSame = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName;

  function patch(old, fresh) {
    const now = [...old.childNodes];
    const then = [...fresh.childNodes];
    then.forEach((node, index) => {
      const there = now[index];
      if (!there) old.append(node);
      else if (there.isEqualNode(node)) return;
      else if (!isSame(there, node)) there.replaceWith(node);
      else if (node.nodeType === Node.TEXT_NODE) there.data = node.data;
      else become(there, node);
    });
    now.slice(then.length).forEach((node) => node.remove());
  }

  function become(old, fresh) {
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const { name } of [...old.attributes]) {
      // what a reader has unfolded stays so
      if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    patch(old, fresh);
  }

  function show(markup) {
    const fresh = document.createElement("template");
    fresh.innerHTML = markup;
    patch(place(), fresh.content);
  }

  /* ---- the line --------------------------------------------------------------------------- */

  async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let waiting = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (waiting + value).split("\n\n");
      waiting = parts.pop();
      for (const part of parts) yield JSON.parse(part.slice("data: ".length));
    }
  }

  /* Follow the next turn to its end; with a message, begin it. Return false if the message was not taken. */
  async function listen(signal, message) {
    const key = $("#line [data-key]")?.dataset.key ?? "";
    const shown = $("#active-model")?.textContent ?? "";
    const model = message && shown.includes("/") ? shown : undefined; // a swap that is still on its way is waited for
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ key, message, model });
    const answer = await fetch("api/live", { method: "POST", headers, body, signal });
    if (!answer.ok) return false;
    let markup = "";
    for await (const { turn, asked, keep, then } of events(answer.body)) {
      newest = turn;
      means(turn);
      if (asked && !isKept) document.dispatchEvent(new Event("aether:kept"));
      isKept ||= asked;
      markup = markup.slice(0, keep) + then;
      show(markup);
    }
    return true;
  }

  async function follow(message) {
    if (following) return;
    const mine = (following = new AbortController());
    isSending = message !== undefined;
    before = newest;
    means(before + 1);
    let isTaken = true;
    let isBroken = false;
    isKept = false;
    document.body.dataset.line = "open"; // `place.js` leaves a server that writes to this page alone
    try {
      isTaken = await listen(mine.signal, message);
    } catch {
      isBroken = true;
      if (!mine.signal.aborted) document.dispatchEvent(new Event("aether:broken")); // what is settled by now is shown
    }
    if (mine.signal.aborted) return;
    if (message) {
      known = Math.max(known, newest); // no event of the server's says that this turn began
      const isUnsent = !isTaken || (isBroken && !isKept);
      if (isUnsent) document.dispatchEvent(new CustomEvent("aether:unsent", { detail: { message, isTaken } }));
    }
    if (isTaken || !message) settle();
    else hangUp();
  }

  function hangUp() {
    following?.abort();
    following = null;
    delete document.body.dataset.line;
  }

  /* What is settled may not come to be heard: it is asked for until it does. */
  function settle() {
    hangUp();
    $("#settle")?.click();
    clearTimeout(asking);
    asking = setTimeout(() => isBusy() && !following && settle(), ASK_AGAIN_MS);
  }

  /* A stop names the turn that it means: it may come late, when another has begun. */
  function means(turn) {
    const field = $("#stop-turn :is(textarea, input)");
    if (field && field.value !== String(turn)) window.aether.write(field, String(turn));
  }

  /* The turns of which the server says that they have begun, or are settled. */
  const told = (selector) => Math.max(0, ...[...document.querySelectorAll(selector)].map((one) => Number(one.dataset.turn)));
  const settled = () => told("#live .settled");

  /* While a line is open, only a word on the turn that comes over it ends it: the last turn's may come late. */
  window.aether.isOver = () => !following || settled() > before;

  function leave() {
    hangUp();
    $("#live > .stream")?.replaceChildren();
  }

  /* The server's word: a turn has begun that is not followed yet; or none has, and there is only a change to show. */
  function heed() {
    newest = Math.max(newest, settled());
    const word = $("#begun .unbegun")?.dataset.word ?? "";
    if (word && word !== unbegun) {
      unbegun = word;
      const isLate = following && (isSending || newest > before); // it was said of what was before
      if (!isLate) settle();
      return;
    }
    known = Math.max(known, told("#live .begun, #begun .begun"));
    if (following || known <= newest) return;
    if (!isBusy()) {
      document.dispatchEvent(new CustomEvent("aether:begin", { detail: {} }));
    }
    follow();
  }

  document.addEventListener("aether:began", ({ detail }) => follow(detail?.message));
  document.addEventListener("aether:ended", () => leave());
  document.addEventListener("aether:looked", () => heed());
})();
