/*
 * What is left to a visitor of a shared link, what is to be done when nothing is, and the dialog for a
 * key of one's own. The key goes from its field to its route at once; it stands in no component,
 * no storage, no log.
 */
(() => {
  "use strict";

  const { say, told, wire, models } = window.aether;
  const $ = (selector) => document.querySelector(selector);
  const SHORT = 5;
  let rest = null;
  let word = "";

  function make(tag, { text, ...rest } = {}, ...children) {
    const made = Object.assign(document.createElement(tag), rest);
    if (text !== undefined) made.textContent = text;
    made.append(...children);
    return made;
  }
  const button = (key, className = "") => make("button", { type: "button", className, text: say(key) });

  const take = ({ reference }) => wire("#wanted", "#want", reference);

  /* ---- what is left, and its end --------------------------------------------------------------------- */

  const left = make("span");
  const line = make("p", { id: "allowance", hidden: true }, left, button("guard.own_key", "own-key"));
  line.setAttribute("role", "status");
  const why = make("b");
  const how = make("span");
  const free = button("guard.free");
  const end = make("section", { id: "spent", hidden: true }, make("p", {}, why, how), make("div", {}, button("guard.own_key", "own-key"), free));
  end.setAttribute("role", "alert");
  let offered = null;
  free.addEventListener("click", () => take(offered));

  async function refresh() {
    try {
      const answer = await fetch("api/allowance");
      rest = answer.ok ? await answer.json() : null;
    } catch {
      rest = null;
    }
    if (!rest) return;
    const isSpent = rest.turns === 0 || rest.usd === 0;
    document.body.classList.toggle("own-keys", rest.providers.length > 0);
    line.hidden = !rest.shared || isSpent || rest.paused;
    line.classList.toggle("short", rest.turns !== null && rest.turns <= SHORT);
    left.textContent = rest.turns === null ? "" : rest.turns === 1 ? say("guard.one") : say("guard.left", { count: rest.turns });
    why.textContent = say(rest.paused ? "guard.paused" : "guard.none");
    how.textContent = rest.paused ? say("guard.later") : say("guard.how");
    offered = isSpent && !rest.paused ? rest.uncounted : null;
    free.hidden = !offered;
    free.textContent = offered ? say("guard.free", { model: offered.label }) : "";
    end.classList.toggle("paused", rest.paused);
    const chosen = $("#active-model")?.textContent ?? "";
    const goesOn = rest.own_keys.includes(chosen.split("/")[0]) || (offered && chosen === offered.reference);
    end.hidden = !rest.paused && (!isSpent || Boolean(goesOn));
  }

  /* ---- a key of one's own ------------------------------------------------------------------------------ */

  const provider = make("select");
  const key = make("input", { type: "password", autocomplete: "off", spellcheck: false, placeholder: say("guard.key") });
  const result = make("p", { className: "result" });
  result.setAttribute("role", "status");
  const save = make("button", { type: "submit", className: "go", text: say("guard.save") });
  const drop = button("guard.forget");
  const close = button("guard.close");
  const go = button("guard.go", "go");
  const form = make(
    "form",
    {},
    make("h2", { text: say("guard.title") }),
    make("p", { text: say("guard.text") }),
    make("label", {}, make("span", { text: say("guard.provider") }), provider),
    make("label", {}, make("span", { text: say("guard.key") }), key),
    result,
    make("footer", {}, close, drop, save, go),
  );
  const dialog = make("dialog", { id: "own-key" }, form);
  dialog.setAttribute("aria-label", say("guard.title"));
  document.body.append(dialog);
  let next = null;

  function tell(words, model = null) {
    result.textContent = words;
    result.classList.remove("bad");
    next = model;
    go.hidden = !model;
    save.hidden = Boolean(model);
    if (model) go.textContent = say("guard.go", { model: model.label });
    drop.hidden = ![...(rest?.own_keys ?? []), ...(rest?.gone_keys ?? [])].includes(provider.value);
  }

  async function show(name) {
    await refresh();
    if (!rest?.providers.length) return;
    provider.replaceChildren(...rest.providers.map((one) => new Option(one.label, one.name)));
    if (name) provider.value = name;
    key.disabled = save.disabled = Boolean(rest.own_keys_refused);
    tell(told(rest.own_keys_refused));
    result.classList.toggle("bad", key.disabled);
    dialog.showModal();
    key.focus();
  }

  async function send(event) {
    event.preventDefault();
    const [name, value] = [provider.value, key.value];
    key.value = "";
    const headers = { "Content-Type": "application/json" };
    let words = say("guard.failed");
    try {
      const answer = await fetch("api/key", { method: "POST", headers, body: JSON.stringify({ provider: name, key: value }) });
      await refresh();
      if (answer.ok) return tell(say("guard.saved"), (await models())?.find((model) => model.name === name));
      words = told((await answer.json()).error);
    } catch {
      /* the server is away: said as anything else that did not work */
    }
    tell(words);
    result.classList.add("bad");
  }

  async function forget() {
    await fetch(`api/key/${encodeURIComponent(provider.value)}`, { method: "DELETE" });
    await refresh();
    tell(say("guard.forgotten"));
  }

  form.addEventListener("submit", send);
  drop.addEventListener("click", forget);
  close.addEventListener("click", () => dialog.close());
  go.addEventListener("click", () => {
    dialog.close();
    take(next);
  });
  provider.addEventListener("change", () => tell(told(rest.own_keys_refused)));
  dialog.addEventListener("close", () => (key.value = ""));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.addEventListener("click", (event) => {
    const asked = event.target.closest?.(".own-key");
    if (asked) show(asked.dataset.provider);
  });

  /* ---- as the page changes -------------------------------------------------------------------------------- */

  function look() {
    if (!line.isConnected) $("#dock")?.append(line);
    if (!end.isConnected) $("#writing-desk")?.before(end);
    const now = `${$("#live .settled")?.dataset.word ?? ""} ${$("#active-model")?.dataset.word ?? ""}`;
    if (now === word) return;
    word = now;
    refresh();
  }

  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
})();
