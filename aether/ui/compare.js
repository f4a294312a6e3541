/*
 * Choosing models to answer side by side, and the difference between two answers, word by word.
 * The list is the server's own; what is compared stands in the page already.
 */
(() => {
  "use strict";

  const $ = (selector) => document.querySelector(selector);
  const { aether } = window;
  const { say, make } = aether;
  const MOST = 4;
  const ROWS = 120;
  const WORDS = 3000;
  let asked = null;
  let chosen = [];
  let models = [];

  function dialog(id, label) {
    let box = $(`#${id}`);
    if (!box) {
      box = make("dialog");
      box.id = id;
      box.setAttribute("aria-label", label);
      box.addEventListener("click", (event) => event.target === box && box.close());
      document.body.append(box);
    }
    box.replaceChildren();
    return box;
  }

  /* ---- choosing ---------------------------------------------------------------------------------- */

  /* The dialog opens at once with what is known of the models, and again with what the server says. */
  async function choose(wanted) {
    asked = wanted;
    chosen = [];
    const box = dialog("chooser", say("choose.title"));
    const search = make("input");
    search.type = "search";
    search.placeholder = say("choose.search");
    search.setAttribute("aria-label", say("choose.search"));
    search.addEventListener("input", () => rows(box, search.value));
    search.addEventListener("keydown", (event) => {
      const first = box.querySelector(".model-row");
      if (event.key === "Enter" && first) first.click();
      else if (event.key === "ArrowDown" && first) first.focus();
      else return;
      event.preventDefault();
    });
    const several = wanted.several;
    const hint = several ? say("choose.several", { most: MOST }) : say("choose.one");
    const foot = make("footer");
    const go = make("button", "go");
    go.type = "button";
    go.addEventListener("click", send);
    const cancel = make("button", "", say("deed.cancel"));
    cancel.type = "button";
    cancel.addEventListener("click", () => box.close());
    foot.append(cancel, ...(several ? [go] : []));
    box.append(make("h2", "", several ? say("choose.compare") : say("choose.again")), make("p", "", hint));
    box.append(search, make("ul", "model-list"), foot);
    if (several) chosen = [$("#active-model")?.textContent].filter((now) => now && now !== "no model");
    rows(box, "");
    if (!box.open) box.showModal();
    if (!matchMedia("(pointer: coarse)").matches) search.focus();
    models = (await aether.models()) ?? models; // without the list nothing can be chosen; the dialog says so
    if (asked !== wanted || !box.open) return;
    chosen = chosen.filter((one) => models.some((model) => model.reference === one));
    rows(box, search.value);
  }

  function rows(box, words) {
    const list = box.querySelector(".model-list");
    const wanted = words.toLowerCase().split(/\s+/);
    const found = models.filter((model) => {
      if (model.reference === asked.without) return false;
      const text = `${model.reference} ${model.label} ${model.from}`.toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
    list.replaceChildren(...found.slice(0, ROWS).map(row));
    if (!found.length) list.append(make("li", "empty", models.length ? say("choose.none") : say("choose.empty")));
    if (found.length > ROWS) list.append(make("li", "empty", say("choose.more", { count: found.length - ROWS })));
    count(box);
  }

  function row(model) {
    const item = make("li");
    const button = make("button", "model-row");
    button.type = "button";
    button.dataset.reference = model.reference;
    if (asked.several) button.setAttribute("aria-pressed", String(chosen.includes(model.reference)));
    button.append(make("b", "", model.label), make("small", "", model.from));
    button.addEventListener("click", () => {
      if (!asked.several) {
        chosen = [model.reference];
        send();
        return;
      }
      if (chosen.includes(model.reference)) chosen = chosen.filter((one) => one !== model.reference);
      else if (chosen.length < MOST) chosen.push(model.reference);
      button.setAttribute("aria-pressed", String(chosen.includes(model.reference)));
      count($("#chooser"));
    });
    button.addEventListener("keydown", (event) => {
      const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
      if (!step) return;
      event.preventDefault();
      (item[step]?.querySelector("button") ?? $("#chooser input")).focus();
    });
    item.append(button);
    return item;
  }

  function count(box) {
    const go = box.querySelector(".go");
    if (!go) return;
    go.disabled = chosen.length < asked.least;
    go.textContent = chosen.length < asked.least ? say("choose.least") : say("choose.go", { count: chosen.length });
  }

  function send() {
    if (chosen.length < asked.least) return;
    $("#chooser").close();
    const { turn, message } = asked;
    const wish = turn === null ? { verb: "compare", message, models: chosen } : { verb: "rerun", turn, models: chosen };
    document.dispatchEvent(new CustomEvent("aether:wish", { detail: { asked: wish, message } }));
  }

  /* ---- differences --------------------------------------------------------------------------------- */

  function difference(before, after) {
    const cut = (text) => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
    const lines = (text) => text.match(/[^\n]*\n|[^\n]+/g) ?? [];
    let [a, b] = [cut(before), cut(after)];
    if (a.length > WORDS || b.length > WORDS) [a, b] = [lines(before).slice(0, WORDS), lines(after).slice(0, WORDS)];
    const width = b.length + 1;
    const same = new Uint16Array((a.length + 1) * width);
    for (let i = a.length - 1; i >= 0; i--) {
      for (let j = b.length - 1; j >= 0; j--) {
        const at = i * width + j;
        same[at] = a[i] === b[j] ? same[at + width + 1] + 1 : Math.max(same[at + width], same[at + 1]);
      }
    }
    const pieces = [];
    const add = (kind, word) => {
      if (pieces.at(-1)?.[0] === kind) pieces.at(-1)[1] += word;
      else pieces.push([kind, word]);
    };
    let [i, j] = [0, 0];
    while (i < a.length || j < b.length) {
      if (i < a.length && j < b.length && a[i] === b[j]) {
        add("same", a[i++]);
        j++;
      } else if (j >= b.length || (i < a.length && same[(i + 1) * width + j] >= same[i * width + j + 1])) add("del", a[i++]);
      else add("ins", b[j++]);
    }
    return together(pieces);
  }

  /* Words that changed one after another read better as one change: a space alone does not part them. */
  function together(pieces) {
    const read = [];
    let [gone, come] = ["", ""];
    const flush = () => {
      if (gone) read.push(["del", gone]);
      if (come) read.push(["ins", come]);
      [gone, come] = ["", ""];
    };
    for (const [index, [kind, words]] of pieces.entries()) {
      const parts = kind === "same" && (words.trim() || words.includes("\n") || !(gone || come) || index === pieces.length - 1);
      if (parts) {
        flush();
        read.push([kind, words]);
        continue;
      }
      if (kind !== "ins") gone += words;
      if (kind !== "del") come += words;
    }
    flush();
    return read;
  }

  function differ(answer) {
    const source = (article) => article?.querySelector(".actions .copy")?.dataset.source ?? "";
    const first = answer.closest(".answers")?.querySelector(".answer.chosen");
    const box = dialog("differences", say("cell.differ"));
    const head = make("p", "legend");
    head.append(make("del", "", first?.dataset.reference ?? ""), " → ", make("ins", "", answer.dataset.reference));
    const told = make("div", "told");
    for (const [kind, words] of difference(source(first), source(answer))) {
      told.append(kind === "same" ? words : make(kind, "", words));
    }
    const close = make("button", "", say("top.close"));
    close.type = "button";
    close.addEventListener("click", () => box.close());
    const foot = make("footer");
    foot.append(close);
    box.append(make("h2", "", say("cell.differ")), head, told, foot);
    box.showModal();
  }

  /* ---- what a person does ---------------------------------------------------------------------------- */

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest?.(selector);
    if (document.body.classList.contains("busy")) return;
    const pick = on(".pick");
    if (pick) {
      const several = pick.dataset.pick === "compare";
      const { cell, without } = pick.dataset;
      choose({ turn: Number(cell), message: "", several, least: several ? 2 : 1, without });
    } else if (on("#compare")) {
      const message = $("#composer textarea")?.value ?? "";
      if (message.trim() || $("#attached .chip")) choose({ turn: null, message, several: true, least: 2 });
      else $("#composer textarea")?.focus();
    } else if (on(".differ")) differ(on(".answer"));
  });
})();
