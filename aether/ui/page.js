/*
 * What the browser does by itself: shows the message before the server has it, keys, scrolling,
 * copying. It listens to the DOM, evaluates nothing, and the server always has the last word. It knows element ids and classes; no provider, no model.
 */
(() => {
  "use strict";

  const $ = (selector) => document.querySelector(selector);
  const { write, wire } = window.aether;
  const NEAR_BOTTOM_PX = 140;
  let settledAtSend = "";
  let follows = true;
  let unfolded = new Map();
  let isDue = false;
  let awaited = null; // the server's last word when another conversation was asked for
  let goesLongWay = false;
  let isEarly = false; // a message waits in its field till the page is open
  let outdated = null; // what the receipt said when a message was sent, until the server says something else

  const field = () => $("#composer textarea");
  const settled = () => $("#live .settled")?.dataset.word ?? "";
  const isBusy = () => document.body.classList.contains("busy");
  const isOffline = () => document.body.classList.contains("offline");

  /* `stream.js` brings the answer between these two, and takes a message along that has no files. */
  const tell = (what, detail) => document.dispatchEvent(new CustomEvent(`aether:${what}`, { detail }));

  /* ---- sending ------------------------------------------------------------------------- */

  function begin({ stays = false, sends } = {}) {
    settledAtSend = settled();
    document.body.classList.add("busy");
    if (!stays) follows = true;
    title();
    tell("began", { message: sends });
  }

  function end() {
    document.body.classList.remove("busy");
    tell("ended");
    $("#echo").querySelectorAll(".echo").forEach((node) => node.remove());
    unfolded = new Map();
    refreshDrawer();
    title();
    if (follows) {
      toBottom();
      requestAnimationFrame(toBottom);
    }
    if (!matchMedia("(pointer: coarse)").matches && document.activeElement === document.body) field()?.focus();
  }

  function echo(message) {
    const said = document.createElement("div");
    said.className = "said";
    said.textContent = message;
    const prompt = document.createElement("div");
    prompt.className = "prompt echo";
    prompt.append(said);
    $("#echo").append(prompt);
    toBottom();
  }

  /* A message must not overtake what was asked for before it: then it goes as an event, too, behind that one. */
  const word = () => `${settled()} ${$("#active-model")?.dataset.word ?? ""}`;
  const isAwaited = () => awaited !== null && awaited === word();

  /* A message goes over the page's own line. With files, or where that line refused it, Gradio's event takes it. */
  function sent(event) {
    if (goesLongWay) return;
    isEarly = !$("#active-model");
    if (isEarly) return event.stopImmediatePropagation();
    const message = field()?.value ?? "";
    if (isBusy() || isOffline()) event.stopImmediatePropagation();
    if (!(message.trim() || $("#attached .chip")) || isBusy() || isOffline()) return;
    if ($("#attached .chip") || isAwaited()) begin();
    else {
      event.stopImmediatePropagation();
      begin({ sends: message });
      write(field(), "");
      outdated = $("#receipt")?.innerHTML ?? "";
    }
    echo(message);
  }

  function unsent({ message, isTaken }) {
    if (!field().value) write(field(), message);
    if (isTaken) return; // the line broke off, and what the server has of it is shown
    requestAnimationFrame(() => {
      goesLongWay = true;
      $("#send").click();
      goesLongWay = false;
    });
  }

  function say(message) {
    if (isBusy() || isOffline() || !field()) return;
    write(field(), message);
    requestAnimationFrame(() => $("#send").click());
  }

  function again(turn) {
    if (isBusy()) return;
    wire("#again-turn", "#again", turn);
    begin();
  }

  /* ---- copying ---------------------------------------------------------------------------- */

  async function copy(button) {
    const shown = button.closest("figure")?.querySelector("code") ?? button.closest(".prompt")?.querySelector(".said");
    const source = button.dataset.source ?? shown?.textContent ?? "";
    try {
      await navigator.clipboard.writeText(source);
    } catch {
      const area = document.createElement("textarea");
      area.value = source;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = window.aether.say("cell.copied");
    setTimeout(() => (button.textContent = button.dataset.label ?? window.aether.say("cell.copy")), 1500);
  }

  /* ---- scrolling -------------------------------------------------------------------------- */

  const distance = () => document.documentElement.scrollHeight - innerHeight - scrollY;

  function toBottom() {
    scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
  }

  /* Once a frame: to ask for the height lays the whole page out. */
  function keepToBottom() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      if (follows) toBottom();
    });
  }

  function jumper() {
    let button = $("#jump");
    if (!button) {
      button = document.createElement("button");
      button.id = "jump";
      button.type = "button";
      button.textContent = window.aether.say("cell.newest");
      button.addEventListener("click", () => {
        follows = true;
        toBottom();
      });
      document.body.append(button);
    }
    return button;
  }

  /* Only a way up takes leave of the end: an answer may grow by more than a screen before this is heard. */
  let top = 0;
  addEventListener(
    "scroll",
    () => {
      const isUp = scrollY < top;
      top = scrollY;
      follows = (follows && isBusy() && !isUp) || distance() < NEAR_BOTTOM_PX;
      jumper().hidden = follows;
    },
    { passive: true },
  );

  /* ---- title ---------------------------------------------------------------------------------- */

  /* The list of requests is asked for anew by the button that opens it (`shell.js`). */
  function refreshDrawer() {
    if (document.body.classList.contains("inspecting")) $("#inspect")?.click();
  }

  function title() {
    const first = $("#chat .prompt .said")?.textContent.trim().slice(0, 40);
    document.title = (isBusy() ? "… " : "") + (first ? `${first} · Aether` : "Aether");
  }

  /* ---- what the server changed ---------------------------------------------------------------- */

  function look() {
    const live = $("#live .writing");
    const badge = $("#active-model");
    if (live && !isBusy()) begin();
    if (isBusy() && settled() && settled() !== settledAtSend && window.aether.isOver()) end();
    if (live && badge?.dataset.state === "pending" && live.dataset.reference === badge.textContent) {
      badge.dataset.state = "ready";
    }
    for (const [index, fold] of document.querySelectorAll("#live details").entries()) {
      fold.open = unfolded.get(index) ?? fold.matches(".tool.running, .tools.running");
    }
    for (const bubble of document.querySelectorAll("#chat [data-testid][aria-label*='<']")) {
      bubble.setAttribute("aria-label", window.aether.say(bubble.dataset.testid === "user" ? "cell.you" : "cell.answer"));
    }
    if (outdated !== null && (!isBusy() || $("#receipt")?.innerHTML !== outdated)) outdated = null;
    $("#receipt")?.classList.toggle("outdated", outdated !== null);
    if (follows && (live || isBusy())) keepToBottom();
    document.body.classList.toggle("has-earlier", Boolean($("#earlier")?.textContent.trim()));
    document.body.dataset.ready = String(Boolean(badge));
    if (isEarly && badge) $("#send").click();
    tell("looked");
  }

  window.aether.watch(look, { later: queueMicrotask });

  /* ---- what a person does ---------------------------------------------------------------------- */

  document.addEventListener(
    "click",
    (event) => {
      const on = (selector) => event.target.closest?.(selector);
      if (on("#new, #open, #want")) awaited = word();
      if (on("#send")) sent(event);
      else if (on(".copy")) copy(on(".copy"));
      else if (on(".starter, .go-on")) say(on(".starter, .go-on").dataset.message);
      else if (on(".again")) again(on(".again").dataset.cell);
      const fold = on("#live summary")?.parentElement;
      if (fold) {
        const index = [...document.querySelectorAll("#live details")].indexOf(fold);
        unfolded.set(index, !fold.open);
      }
    },
    true,
  );

  document.addEventListener(
    "keydown",
    (event) => {
      const writes = event.target === field();
      if (writes && event.key === "Enter" && !event.isComposing) {
        event.stopPropagation();
        if (event.shiftKey) return;
        event.preventDefault();
        $("#send").click();
      } else if (event.key === "Escape") {
        if (isBusy()) $("#stop")?.click();
      } else if (event.key === "/" && !event.target.closest?.("input, textarea, [contenteditable]")) {
        event.preventDefault();
        field()?.focus();
      }
    },
    true,
  );

  /* Another script of the page begins something: `detail.message` is shown, `detail.stays` keeps the place. */
  document.addEventListener("aether:begin", ({ detail }) => {
    begin(detail);
    if (detail.message) echo(detail.message);
  });

  document.addEventListener("aether:unsent", ({ detail }) => unsent(detail));

  look();
})();
