/*
 * What a page is beside ready: being loaded, cut off from its server, left with a draft. And what is
 * said aloud: a live region tells a screen reader of a change of model and of the end of an answer.
 */
(() => {
  "use strict";

  const $ = (selector) => document.querySelector(selector);
  const { say, write } = window.aether;
  const body = document.body;
  const RETRY_MS = 3_000;
  const DRAFT = "aether.draft";
  const field = () => $("#composer textarea");

  /* ---- said aloud ------------------------------------------------------------------------------- */

  const region = document.createElement("div");
  region.id = "said-aloud";
  region.setAttribute("role", "status");
  region.setAttribute("aria-live", "polite");
  body.append(region);

  const skip = document.createElement("a");
  skip.id = "skip";
  skip.href = "#composer";
  skip.textContent = say("top.skip");
  skip.addEventListener("click", (event) => {
    event.preventDefault();
    field()?.focus();
  });
  body.prepend(skip);

  document.addEventListener("aether:aloud", ({ detail }) => (region.textContent = detail));

  let model = "";
  let busy = false;

  function announce() {
    const now = $("#active-model")?.textContent ?? "";
    if (now && model && now !== model) region.textContent = say("said.swap", { model: now });
    model = now || model;
    const isBusy = body.classList.contains("busy");
    if (isBusy !== busy) region.textContent = say(isBusy ? "said.begin" : "said.end");
    busy = isBusy;
  }

  /* ---- the draft survives a reload and a sleep ------------------------------------------------------ */

  function keep(words) {
    try {
      if (words) sessionStorage.setItem(DRAFT, words);
      else sessionStorage.removeItem(DRAFT);
    } catch {
      /* a browser may forbid it: then a draft lives as long as the page */
    }
  }

  let restored = false;

  function restore() {
    if (restored || body.dataset.ready !== "true" || !field()) return;
    restored = true;
    let words = "";
    try {
      words = sessionStorage.getItem(DRAFT) ?? "";
    } catch {
      return;
    }
    if (!words || field().value) return;
    write(field(), words);
  }

  /* What was sent stays the draft until the server has committed it. */
  document.addEventListener("aether:kept", () => keep(field()?.value ?? ""));
  document.addEventListener("input", (event) => {
    if (event.target === field()) restored = true; // what was written before the page was ready has taken the draft's place
    if (event.target === field() && (field().value || !body.classList.contains("busy"))) keep(field().value);
  });

  /* ---- cut off, and back ------------------------------------------------------------------------------ */

  let asking = null;

  function ask() {
    clearTimeout(asking);
    asking = null;
    fetch("api/alive", { cache: "no-store" })
      .then((answer) => tell(!answer.ok))
      .catch(() => tell(true));
  }

  function tell(isOffline) {
    if (body.classList.toggle("offline", isOffline)) asking ??= setTimeout(ask, RETRY_MS);
  }

  addEventListener("offline", () => tell(true));
  addEventListener("online", ask);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && ask());
  /* ---- a phone's keyboard leaves less room: what is fixed keeps to what is seen ------------------------- */

  function fit() {
    const seen = window.visualViewport;
    const covered = seen ? Math.max(0, innerHeight - seen.height - seen.offsetTop) : 0;
    body.style.setProperty("--covered", `${Math.round(covered)}px`);
  }
  window.visualViewport?.addEventListener("resize", fit);
  window.visualViewport?.addEventListener("scroll", fit);

  /* ---- as the page changes ------------------------------------------------------------------------------- */

  const ROLES = [
    ["#top", "region", "top.header"],
    ["#sidebar", "region", "top.menu"],
    ["#drawer", "region", "top.details"],
    ["#dock", "region", "dock.region"],
  ];

  function look() {
    for (const [selector, role, key] of ROLES) {
      const part = $(selector);
      if (part && !part.hasAttribute("role")) {
        part.setAttribute("role", role);
        part.setAttribute("aria-label", say(key));
      }
    }
    restore();
    announce();
    if (restored && field() && !field().value && !busy) keep("");
  }

  window.aether.watch(look).observe(body, { attributes: true, attributeFilter: ["class", "data-ready"] });
  fit();
  look();
})();
