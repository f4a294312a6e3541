/*
 * The buttons of the cells: writes what is wished into one field and presses one button. Edits
 * a message in its place. Other scripts wish by the event `aether:wish`.
 */
(() => {
  "use strict";

  const $ = (selector) => document.querySelector(selector);
  const { say, wire } = window.aether;
  const isBusy = () => document.body.classList.contains("busy");
  const STREAMING = new Set(["edit", "rerun", "compare"]);
  let hidden = [];
  let returnsTo = null;

  function wish(asked, message = "") {
    if (isBusy() || !wire("#wish", "#act", JSON.stringify(asked))) return false;
    returnsTo = ["choose", "rerun"].includes(asked.verb) ? asked.turn : null;
    const detail = { message, stays: !STREAMING.has(asked.verb) };
    document.dispatchEvent(new CustomEvent("aether:begin", { detail }));
    return true;
  }

  document.addEventListener("aether:wish", ({ detail }) => wish(detail.asked, detail.message));

  /* ---- editing a message in its place ------------------------------------------------------------ */

  function edit(prompt) {
    if (isBusy() || !prompt || prompt.querySelector(".editor")) return;
    const said = prompt.querySelector(".said");
    const editor = document.createElement("form");
    const area = document.createElement("textarea");
    const note = document.createElement("small");
    editor.className = "editor";
    area.value = said.textContent;
    area.setAttribute("aria-label", say("dock.composer"));
    note.textContent = say("deed.kept");
    editor.append(area, note, button(say("deed.cancel"), "button", () => close(prompt)), button(say("deed.ask"), "submit"));
    editor.addEventListener("submit", (event) => {
      event.preventDefault();
      save(prompt, area.value);
    });
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close(prompt);
      else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) editor.requestSubmit();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    const grow = () => {
      area.style.height = "auto";
      area.style.height = `${area.scrollHeight}px`;
    };
    area.addEventListener("input", grow);
    said.hidden = true;
    prompt.classList.add("editing");
    said.after(editor);
    grow();
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  }

  function button(label, type, click) {
    const made = document.createElement("button");
    made.type = type;
    made.textContent = label;
    if (click) made.addEventListener("click", click);
    return made;
  }

  function close(prompt) {
    prompt.querySelector(".editor")?.remove();
    prompt.querySelector(".said").hidden = false;
    prompt.classList.remove("editing");
  }

  function save(prompt, message) {
    const turn = Number(prompt.dataset.prompt);
    if (!message.trim() || message === prompt.querySelector(".said").textContent) return close(prompt);
    if (!wish({ verb: "edit", turn, message }, message)) return;
    close(prompt);
    for (let row = prompt.closest(".message-row"); row; row = row.nextElementSibling) {
      row.classList.add("set-aside");
      hidden.push(row);
    }
  }

  /* ---- when it is done ----------------------------------------------------------------------------- */

  new MutationObserver(() => {
    if (isBusy()) return;
    hidden.forEach((row) => row.classList.remove("set-aside"));
    hidden = [];
    const turn = returnsTo;
    returnsTo = null;
    if (turn === null) return;
    requestAnimationFrame(() => {
      const answers = $(`#chat .cell[data-turn="${turn}"]`);
      answers?.scrollIntoView({ block: "nearest", behavior: "instant" });
      answers?.querySelector(".answers .chosen")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest?.(selector);
    const verb = on("[data-verb]");
    if (verb) {
      const { verb: name, cell: turn, answer, branch } = verb.dataset;
      const places = { turn, answer, branch };
      for (const key of Object.keys(places)) {
        if (places[key] === undefined) delete places[key];
        else places[key] = Number(places[key]);
      }
      wish({ verb: name, ...places });
    } else if (on(".edit")) edit(on(".prompt"));
  });

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("#composer textarea");
    if (event.key === "ArrowUp" && field && field.value === "" && !event.isComposing) {
      event.preventDefault();
      edit([...document.querySelectorAll("#chat .prompt")].at(-1));
    }
  });
})();
