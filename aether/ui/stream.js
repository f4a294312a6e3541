/*
 * The answer that is being written, as it comes over the page's own line: what is new of its
 * markup, put into the page so that what stands there already stays the same node. The markup
 * was made safe on the server. It knows neither models nor what the markup means.
 */
(() => {
  "use strict";

  const $ = (selector) => document.querySelector(selector);
  let following = null;
  let newest = 0;
  let unbegun = "";
  let known = 0; // the newest turn of which the server's event has said that it began
  let isKept = false; // the server has committed the message that is being answered
  let isFollowed = false; // a turn was followed to its end before the server's event said that it began

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
    const before = newest;
    let isTaken = true;
    let isBroken = false;
    isFollowed = isKept = false;
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
    } else isFollowed = newest > before && newest > known;
    if (isTaken || !message) settle();
    else hangUp();
  }

  function hangUp() {
    following?.abort();
    following = null;
    delete document.body.dataset.line;
  }

  function settle() {
    hangUp();
    $("#settle")?.click();
  }

  function leave() {
    hangUp();
    $("#live > .stream")?.replaceChildren();
  }

  /* The server's word: a turn has begun that is not followed yet; or none has, and there is only a change to show. */
  function heed() {
    const word = $("#live .unbegun")?.dataset.word ?? "";
    if (word && word !== unbegun) {
      unbegun = word;
      if (isFollowed) isFollowed = false;
      else settle();
      return;
    }
    known = Math.max(known, Number($("#live .begun")?.dataset.turn ?? 0));
    if (known >= newest) isFollowed = false; // the word came after all: the next change is one to show
    if (following || known <= newest) return;
    if (!document.body.classList.contains("busy")) {
      document.dispatchEvent(new CustomEvent("aether:begin", { detail: {} }));
    }
    follow();
  }

  document.addEventListener("aether:began", ({ detail }) => follow(detail?.message));
  document.addEventListener("aether:ended", () => leave());
  document.addEventListener("aether:looked", () => heed());
})();
