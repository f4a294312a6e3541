/*
 * For people who do not read manuals: `/model name` with completion, a sheet of keys behind `?`,
 * one line at first use, and the download of what was exported.
 */
(() => {
  "use strict";

  const $ = (selector) => document.querySelector(selector);
  const field = () => $("#composer textarea");
  const { aether } = window;
  const { say, make, write, wire } = aether;
  const COMMAND = /^\/(m(o(d(e(l( .*)?)?)?)?)?)?$/;
  const ROWS = 8;
  const KEYS = [
    ["Enter", "keys.send"],
    ["Shift Enter", "keys.line"],
    ["/", "keys.write"],
    ["/model name", "keys.model"],
    ["↑", "keys.edit"],
    ["Esc", "keys.stop"],
    ["Ctrl Enter", "keys.compare"],
    ["?", "keys.sheet"],
  ];
  let models = [];
  let at = 0;

  /* ---- /model ------------------------------------------------------------------------------------ */

  function found() {
    const wanted = field().value.replace(/^\/\w* ?/, "").toLowerCase().split(/\s+/);
    return models
      .filter((one) => wanted.every((word) => `${one.reference} ${one.label} ${one.from}`.toLowerCase().includes(word)))
      .slice(0, ROWS);
  }

  const list = () => $("#completion");

  async function complete() {
    if (!field() || !COMMAND.test(field().value)) return list()?.remove();
    if (!list()) {
      const box = make("ul");
      box.id = "completion";
      box.setAttribute("role", "listbox");
      box.setAttribute("aria-label", say("choose.title"));
      $("#writing-desk").append(box);
      at = 0;
      models = (await aether.models()) ?? models; // without the list a whole reference still works
    }
    const rows = found();
    at = Math.min(at, Math.max(0, rows.length - 1));
    list()?.replaceChildren(...(rows.length ? rows.map(row) : [make("li", "none", say("choose.none"))]));
  }

  function row(model, index) {
    const item = make("li");
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(index === at));
    item.append(make("b", "", model.reference), make("small", "", model.from));
    item.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      want(model.reference);
    });
    return item;
  }

  function want(reference) {
    write(field(), "");
    list()?.remove();
    wire("#wanted", "#want", reference);
  }

  document.addEventListener("input", (event) => event.target === field() && complete());

  /* Before the page's own keys: with the list open, Enter chooses and does not send. */
  addEventListener(
    "keydown",
    (event) => {
      if (event.target !== field() || event.isComposing) return;
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        event.stopImmediatePropagation();
        $("#compare")?.click();
        return;
      }
      if (!list()) return;
      const rows = found();
      if (event.key === "Escape") list().remove();
      else if (event.key === "ArrowDown") at = (at + 1) % Math.max(1, rows.length);
      else if (event.key === "ArrowUp") at = (at - 1 + rows.length) % Math.max(1, rows.length);
      else if (event.key === "Enter" || event.key === "Tab") {
        const typed = field().value.replace(/^\/\w* ?/, "").trim();
        if (rows[at]) want(rows[at].reference);
        else if (typed.includes("/")) want(typed);
      } else return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (list()) complete();
    },
    true,
  );

  /* ---- the sheet of keys --------------------------------------------------------------------------- */

  function sheet() {
    let box = $("#keys");
    if (!box) {
      box = make("dialog");
      box.id = "keys";
      box.setAttribute("aria-label", say("keys.title"));
      const table = make("dl");
      for (const [key, does] of KEYS) {
        const name = make("dt");
        name.append(make("kbd", "", key));
        table.append(name, make("dd", "", say(does)));
      }
      const close = make("button", "", say("top.close"));
      close.type = "button";
      close.addEventListener("click", () => box.close());
      box.addEventListener("click", (event) => event.target === box && box.close());
      const foot = make("footer");
      foot.append(close);
      box.append(make("h2", "", say("keys.title")), table, foot);
      document.body.append(box);
    }
    if (!box.open) box.showModal();
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "?" || event.target.closest?.("input, textarea, [contenteditable]")) return;
    event.preventDefault();
    sheet();
  });
  document.addEventListener("click", (event) => event.target.closest?.("[data-keys]") && sheet());

  /* ---- one line at first use ------------------------------------------------------------------------- */

  function tour() {
    try {
      if (localStorage.getItem("aether.tour")) return;
      localStorage.setItem("aether.tour", "seen");
    } catch {
      return; // a browser may forbid it: better no tour than one at each visit
    }
    const line = make("p", "tour", `${say("keys.tour")} `);
    const keys = make("button", "", say("keys.see"));
    keys.type = "button";
    keys.dataset.keys = "";
    const close = make("button", "", say("keys.got"));
    close.type = "button";
    close.addEventListener("click", () => line.remove());
    line.append(keys, " ", close);
    $("#writing-desk").before(line);
  }

  /* ---- what was exported is downloaded ----------------------------------------------------------------- */

  let handed = "";
  let told = false;
  new MutationObserver(() => {
    const link = $("#exported a[href][download]");
    if (link && link.href !== handed) {
      handed = link.href;
      link.click();
    } else if (!link) handed = "";
    if (!told && $("#writing-desk") && $("#active-model")) {
      told = true;
      tour();
    }
    if (document.body.classList.contains("busy")) $(".tour")?.remove();
  }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["href"] });
})();
