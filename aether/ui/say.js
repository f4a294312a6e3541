/*
 * The words of the page in the reader's language. `ui/words.js`, made by the server, brings them;
 * this says them to other scripts, and writes them into what stands on the page from the start:
 * `data-say` names the text of an element, `data-say-label` its name for a screen reader, `data-say-placeholder`
 * the hint in an empty field. It also has what other scripts need: `watch`, `make`, `write`, `wire`, `models`.
 */
(() => {
  "use strict";

  const { language, texts, english } = window.aetherWords ?? { language: "en", texts: {} };
  const say = (key, values = {}) =>
    (texts[key] ?? key).replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));

  /* ---- sentences of the server's other rooms (`sentences.py`) ---------------------------------------- */

  const escaped = (words) => words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const blank = (part) => (/^{\w+}$/.test(part) ? `(?<${part.slice(1, -1)}>(?:(?![.!?] ).)+?)` : escaped(part));
  const pattern = (said) => new RegExp(`^${said.split(/({\w+})/).map(blank).join("")}$`, "s");
  const known = Object.entries(english ?? {})
    .sort(([, one], [, other]) => other.replace(/{\w+}/g, "").length - one.replace(/{\w+}/g, "").length)
    .map(([key, said]) => [key, pattern(said)]);

  function whole(sentence) {
    for (const [key, words] of known) {
      const found = words.exec(sentence);
      if (found) return say(key, found.groups);
    }
    return null;
  }

  /* In the reader's language, what can be said in it. */
  function told(sentence) {
    const ends = [sentence.length, ...[...sentence.matchAll(/[.!?] /g)].map(({ index }) => index + 1).reverse()];
    for (const end of known.length ? ends : []) {
      const said = whole(sentence.slice(0, end));
      const rest = sentence.slice(end + 1);
      if (said !== null) return rest ? `${said}${said.endsWith("。") ? "" : " "}${told(rest)}` : said;
    }
    const end = known.length ? ends.at(-1) : sentence.length; // of the first sentence, which stays as it is
    return end < sentence.length ? `${sentence.slice(0, end)} ${told(sentence.slice(end + 1))}` : sentence;
  }

  /* Look again after every change of the page, once for all changes of a frame; `later`: when else than in the next frame. */
  function watch(look, { later = requestAnimationFrame, ...what } = {}) {
    let due = false;
    const observer = new MutationObserver(() => {
      if (due) return;
      due = true;
      later(() => {
        due = false;
        look();
      });
    });
    observer.observe(document.documentElement, { childList: true, subtree: true, ...what });
    return observer;
  }

  /* An element with a class and a text; without them where they are empty. */
  function make(tag, className = "", text = "") {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  }

  /* Write into a field as a person would, so that Gradio hears of it. */
  function write(field, words) {
    field.value = words;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /* Write into the field of a wire, and press its button in the next frame; tell whether it is there. */
  function wire(name, button, words) {
    const field = document.querySelector(`${name} :is(textarea, input)`);
    if (!field) return false;
    write(field, words);
    requestAnimationFrame(() => document.querySelector(button)?.click());
    return true;
  }

  /* The models that can answer now, as the server lists them; null where it does not say. */
  async function models() {
    try {
      const answer = await fetch("api/models");
      if (!answer.ok) return null;
      return (await answer.json()).providers
        .filter((provider) => provider.ready)
        .flatMap(({ name, label, models: own }) =>
          own.map((model) => ({ name, from: label, reference: `${name}/${model.id}`, label: model.label || model.id })),
        );
    } catch {
      return null;
    }
  }

  window.aether = { say, told, language, watch, make, write, wire, models };

  /* Gradio's own buttons, fields and labels were made in English, before anyone had asked for the page. */
  const BUTTONS = { "#menu": "top.menu", "#new": "top.new", "#inspect": "top.details", "#send": "dock.send", "#stop": "dock.stop", "#switch-now": "dock.switch_now", "#tools-open": "tools.open", "#attach": "attach.button", "#compare": "cell.compare", "#import": "files.open" };
  const FIELDS = { "#composer": "dock.composer", "#provider": "top.provider", "#model": "top.model" };

  const set = (node, name, value) => node.getAttribute(name) !== value && node.setAttribute(name, value);

  function rename(node, said) {
    const words = [...(node?.childNodes ?? [])].find((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
    if (words && words.data.trim() !== said) words.data = said;
  }

  function translate() {
    for (const [selector, key] of Object.entries(BUTTONS)) {
      const node = document.querySelector(selector);
      if (!node) continue;
      set(node, "aria-label", say(key));
      set(node, "title", say(key));
      rename(node, say(key));
    }
    for (const [selector, key] of Object.entries(FIELDS)) {
      const field = document.querySelector(`${selector} :is(input, textarea)`);
      if (!field) continue;
      set(field, "aria-label", say(key));
      if (field.matches("textarea")) set(field, "placeholder", say("dock.placeholder"));
      rename(document.querySelector(`${selector} [data-testid="block-info"]`), say(key));
    }
    const log = document.querySelector("#chat [role=log]");
    if (log) set(log, "aria-label", say("cell.all"));
    for (const node of document.querySelectorAll("[data-say]")) {
      if (node.textContent !== say(node.dataset.say)) node.textContent = say(node.dataset.say);
    }
    for (const node of document.querySelectorAll("[data-say-label]")) set(node, "aria-label", say(node.dataset.sayLabel));
    for (const node of document.querySelectorAll("[data-say-placeholder]")) set(node, "placeholder", say(node.dataset.sayPlaceholder));
    for (const node of document.querySelectorAll("[data-say-message]")) node.dataset.message = say(node.dataset.sayMessage);
    set(document.documentElement, "lang", language);
  }

  watch(translate);
  translate();
})();
