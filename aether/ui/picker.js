/*
 * The two pickers. Gradio's combobox and listbox stay what they are: what a keyboard, a test or a
 * screen reader drives, and what the server hears. Each option is shown with what the list of
 * models says of it: in a line, its price, what it can do, whether it is ready. The badge names
 * the new model at the click; the server has the last word on it.
 */
(() => {
  "use strict";

  const $ = (selector) => document.querySelector(selector);
  const say = (key, values) => window.aether.say(key, values);
  const { make } = window.aether;
  const MANY = 8;
  const LOW_USD = 1;
  const HIGH_USD = 7;
  const STALE_MS = 5_000;
  let providers = [];
  let learntAt = 0;

  async function learn() {
    if (Date.now() - learntAt < STALE_MS) return;
    learntAt = Date.now();
    try {
      const answer = await fetch("api/models");
      if (answer.ok) providers = (await answer.json()).providers;
      decorate();
    } catch {
      /* without the list the options are plain and the badge waits for the server: nothing is lost */
    }
  }

  /* ---- what is known of an option ------------------------------------------------------------- */

  const shownProvider = () => {
    const shown = $("#provider input")?.value ?? "";
    return providers.find((one) => one.label === shown || shown.startsWith(`${one.label} · `));
  };
  const providerOf = (label) => providers.find((one) => label === one.label || label.startsWith(`${one.label} · `));
  const modelOf = (label) => shownProvider()?.models.find((one) => (one.label || one.id) === label);

  function price(model) {
    if (!model.price) return ["price unknown", say("price.unknown")];
    const usd = (3 * model.price.input + model.price.output) / 4; // a reply is about a quarter of what is sent
    if (usd <= 0) return ["free", say("price.free")];
    if (usd < LOW_USD) return ["low", say("price.low")];
    return usd < HIGH_USD ? ["medium", say("price.medium")] : ["high", say("price.high")];
  }

  function facts(model) {
    const [level, words] = price(model);
    const said = [{ words, name: `price ${level}` }];
    if (model.vision) said.push({ words: say("can.see"), name: "can" });
    said.push(model.tools === false ? { words: say("can.no_tools"), name: "cannot" } : { words: say("can.tools"), name: "can" });
    if (model.context_window) said.push({ words: say("can.window", { size: size(model.context_window) }), name: "window" });
    return said;
  }

  const size = (tokens) => (tokens >= 1_000_000 ? `${+(tokens / 1_000_000).toFixed(1)}M` : `${Math.round(tokens / 1000)}k`);

  /* ---- how it is shown -------------------------------------------------------------------------- */

  function row(option, label) {
    const made = make("span", "choice");
    if (option.closest("#provider")) {
      const provider = providerOf(label);
      made.append(make("b", "", provider?.label ?? label));
      if (provider) {
        const count = provider.models.length;
        const words = provider.ready ? say(count === 1 ? "picker.model" : "picker.models", { count }) : window.aether.told(provider.reason);
        made.append(make("small", "", words));
        made.classList.toggle("unready", !provider.ready);
      }
      return made;
    }
    const model = modelOf(label);
    made.append(make("b", "", label));
    if (!model) return made;
    const tagline = window.aetherTaglines?.[`${shownProvider()?.name}/${model.id}`];
    if (tagline) made.append(make("small", "", tagline));
    const line = make("span", "facts");
    for (const fact of facts(model)) line.append(make("i", fact.name, fact.words));
    made.append(line);
    return made;
  }

  function decorate() {
    for (const option of document.querySelectorAll("#pickers [role=option]")) {
      const label = option.getAttribute("aria-label") ?? "";
      const key = `${label}\n${providers.length ? learntAt : 0}`;
      if (option.dataset.shown === key) continue;
      option.dataset.shown = key;
      option.querySelector(".choice")?.remove();
      const made = row(option, label);
      option.append(made);
      const more = [...made.querySelectorAll("small, .facts i")].map((node) => node.textContent).join(", ");
      option.setAttribute("aria-description", more);
    }
    for (const [picker, title] of [["#provider", "picker.provider"], ["#model", "picker.model_title"]]) {
      const list = $(`${picker} .options`);
      if (list && !list.dataset.title) {
        list.dataset.title = say(title);
        requestAnimationFrame(() => list.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" })); // under the sheet's title
      }
      // A phone's keyboard would cover a short list: it opens where there is something to search.
      const field = $(`${picker} input`);
      const many = (picker === "#provider" ? providers : (shownProvider()?.models ?? [])).length > MANY;
      if (!field) continue;
      field.inputMode = many ? "search" : "none";
    }
  }

  /* ---- the badge, before the server has answered -------------------------------------------------- */

  function choose(option) {
    const label = option?.getAttribute("aria-label") ?? "";
    const provider = shownProvider();
    const model = modelOf(label);
    const badge = $("#active-model");
    if (!model || !badge) return;
    badge.textContent = `${provider.name}/${model.id}`;
    badge.dataset.state = $("#live .writing") ? "pending" : "ready";
  }

  document.addEventListener("pointerdown", (event) => choose(event.target.closest?.("#model [role=option]")), true);
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Enter" && event.target.matches?.("#model input")) choose($("#model [role=option].active"));
    },
    true,
  );
  document.addEventListener("focusin", (event) => {
    if (event.target.closest?.("#pickers")) learn();
  });

  /* Gradio opens a list when its field is given the focus: after Escape the field still has it, and a click did nothing. */
  const PICKER = "#pickers input[role=combobox]";
  const isShut = (field) => field === document.activeElement && field.getAttribute("aria-expanded") !== "true";
  let shut = null;
  document.addEventListener("pointerdown", ({ target }) => (shut = target.matches?.(PICKER) && isShut(target) ? target : null), true);
  document.addEventListener("click", ({ target }) => {
    if (target !== shut || !isShut(target)) return;
    target.blur();
    target.focus();
  });

  /* A name that does not fit is told by the pointer. To measure it lays the page out: so not before it is asked for. */
  document.addEventListener("pointerover", ({ target }) => {
    if (!target.matches?.(PICKER)) return;
    const whole = target.scrollWidth > target.clientWidth ? target.value : "";
    if (target.title !== whole) target.title = whole;
  });

  window.aether.watch(decorate, { later: queueMicrotask, attributeFilter: ["aria-label"] });

  (window.requestIdleCallback ?? setTimeout)(learn); // nobody waits for prices before the page can be typed into
})();
