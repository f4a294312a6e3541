/*
 * What is left to a visitor of a shared link, and the way to go on with a key of one's own. The key
 * goes from a field of a dialog to its route at once; it stands in no component, no storage, no log.
 */
(() => {
  "use strict";

  const { say } = window.aether;
  const $ = (selector) => document.querySelector(selector);
  const SHORT = 5;
  let told = null;
  let word = "";

  const bar = document.createElement("p");
  bar.id = "allowance";
  bar.setAttribute("role", "status");
  bar.hidden = true;
  const left = document.createElement("span");
  const open = document.createElement("button");
  open.type = "button";
  open.textContent = say("guard.own_key");
  bar.append(left, open);

  const dialog = document.createElement("dialog");
  dialog.id = "own-key";
  const form = document.createElement("form");
  const title = document.createElement("h2");
  title.textContent = say("guard.title");
  const explained = document.createElement("p");
  explained.textContent = say("guard.text");
  const provider = document.createElement("select");
  provider.setAttribute("aria-label", say("guard.provider"));
  const key = document.createElement("input");
  key.type = "password";
  key.autocomplete = "off";
  key.spellcheck = false;
  key.setAttribute("aria-label", say("guard.key"));
  key.placeholder = say("guard.key");
  const result = document.createElement("p");
  result.setAttribute("role", "status");
  const button = (words, type) => {
    const made = document.createElement("button");
    made.type = type;
    made.textContent = words;
    return made;
  };
  const save = button(say("guard.save"), "submit");
  const drop = button(say("guard.forget"), "button");
  const close = button(say("guard.close"), "button");
  const row = document.createElement("div");
  row.append(save, drop, close);
  form.append(title, explained, provider, key, result, row);
  dialog.append(form);
  document.body.append(dialog);

  async function refresh() {
    try {
      const answer = await fetch("api/allowance");
      told = answer.ok ? await answer.json() : null;
    } catch {
      told = null;
    }
    if (!told) return;
    bar.hidden = !told.shared;
    bar.classList.toggle("short", told.paused || (told.turns !== null && told.turns <= SHORT));
    if (told.paused) left.textContent = say("guard.paused");
    else if (told.turns === 0 || told.usd === 0) left.textContent = say("guard.none");
    else if (told.turns === 1) left.textContent = say("guard.one");
    else left.textContent = told.turns === null ? "" : say("guard.left", { count: told.turns });
    open.hidden = !told.providers.length;
    const chosen = provider.value;
    provider.replaceChildren(...told.providers.map((one) => new Option(one.label, one.name)));
    if (chosen) provider.value = chosen;
    drop.hidden = !told.own_keys.includes(provider.value);
  }

  async function send(event) {
    event.preventDefault();
    const value = key.value;
    key.value = "";
    const answer = await fetch("api/key", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ provider: provider.value, key: value }),
    });
    result.textContent = answer.ok ? say("guard.saved") : (await answer.json()).error;
    refresh();
  }

  async function forget() {
    await fetch(`api/key/${encodeURIComponent(provider.value)}`, { method: "DELETE" });
    result.textContent = say("guard.forgotten");
    refresh();
  }

  form.addEventListener("submit", send);
  drop.addEventListener("click", forget);
  close.addEventListener("click", () => dialog.close());
  provider.addEventListener("change", refresh);
  dialog.addEventListener("close", () => (key.value = ""));
  open.addEventListener("click", () => {
    result.textContent = "";
    dialog.showModal();
  });

  function look() {
    if (!bar.isConnected) $("#dock")?.append(bar);
    const now = $("#live .settled")?.dataset.word ?? "";
    if (now === word) return;
    word = now;
    refresh();
  }

  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
  refresh();
})();
