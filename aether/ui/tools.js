/*
 * Tools: asks the server for the questions when a call begins to wait, passes on what a person
 * answers and switches, and opens the list. It knows element ids; no tool and no model.
 */
(() => {
  "use strict";

  const $ = (selector) => document.querySelector(selector);
  const { watch, wire } = window.aether;
  let asked = "";

  /* The live answer names the questions that wait; the cards themselves stand over the composer. */
  function look() {
    const waiting = [...document.querySelectorAll("#live .tool[data-question]")].map((call) => call.dataset.question).join(" ");
    if (waiting !== asked) {
      asked = waiting;
      $("#consent-ask")?.click();
    }
    document.body.classList.toggle("asking", Boolean($("#consent .consent-card")));
    const panel = $("#tools .tool-panel");
    const opener = $("#tools-open");
    if (!panel || !opener || opener.dataset.state + opener.dataset.usable === panel.dataset.state + panel.dataset.usable) return;
    opener.dataset.state = panel.dataset.state;
    opener.dataset.usable = panel.dataset.usable;
    opener.setAttribute("aria-description", panel.querySelector(".tool-word")?.textContent ?? "");
  }

  function openPanel() {
    const isOpen = document.body.classList.contains("inspecting") && document.body.dataset.panel === "tools";
    document.body.classList.toggle("inspecting", !isOpen);
    $("#tab-tools")?.click();
    if (!isOpen) $("#inspect")?.click(); // the other tabs are asked for by the button that opens them
  }

  watch(look, { attributeFilter: ["data-question"] });

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest?.(selector);
    const choice = on(".consent-choice");
    const tool = on(".tool-switch:not([disabled])");
    if (choice) {
      for (const button of choice.parentElement.children) button.disabled = true;
      wire("#consent-said", "#consent-answer", `${choice.dataset.question} ${choice.dataset.choice}`);
    } else if (tool) {
      const isOn = tool.getAttribute("aria-checked") === "true";
      tool.setAttribute("aria-checked", String(!isOn));
      wire("#tool-said", "#tool-switch", `${isOn ? "off" : "on"} ${tool.dataset.tool}`);
    } else if (on("#tools-open")) {
      openPanel();
    }
  });
})();
