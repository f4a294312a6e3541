/*
 * An answer that failed: counts down until its model may be asked again, and asks it again. A
 * model that is not the chosen one any more is asked by its name, beside the others.
 */
(() => {
  "use strict";

  const $ = (selector) => document.querySelector(selector);
  const { say, language } = window.aether;
  const TICK_MS = 1_000;
  const LONGEST_S = 24 * 3600;
  const seconds = new Intl.NumberFormat(language, { style: "unit", unit: "second", unitDisplay: "short" });
  const isBusy = () => document.body.classList.contains("busy");

  /* ---- the countdown ----------------------------------------------------------------------------- */

  function clock(left) {
    if (left < 60) return seconds.format(left);
    const parts = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
    if (!parts[0]) parts.shift();
    return parts.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
  }

  function tick(line) {
    const { until, wait } = line.dataset;
    if (!until || Number(wait) > LONGEST_S) return false;
    // A clock that goes wrong here makes no wait longer than the service asked for.
    const left = Math.ceil(Math.min(Number(until) - Date.now() / 1000, Number(wait)));
    const isOver = left <= 0;
    const words = isOver ? say("failed.ready") : say("failed.left", { time: clock(left) });
    if (line.textContent !== words) line.textContent = words;
    const retry = line.closest(".notice")?.querySelector(".retry");
    if (retry && retry.disabled === isOver) {
      retry.disabled = !isOver;
      if (isOver && line.dataset.counted) document.dispatchEvent(new CustomEvent("aether:aloud", { detail: words }));
    }
    if (!isOver) line.dataset.counted = "true";
    return !isOver;
  }

  let ticking = null;

  function look() {
    const isWaiting = [...document.querySelectorAll("#chat .countdown")].map(tick).some(Boolean);
    if (isWaiting) ticking ??= setInterval(look, TICK_MS);
    else {
      clearInterval(ticking);
      ticking = null;
    }
  }

  window.aether.watch(look);
  document.addEventListener("visibilitychange", look);

  /* ---- once more ----------------------------------------------------------------------------------- */

  function retry(button) {
    const cell = button.closest(".cell");
    const { reference } = button.dataset;
    if (isBusy() || !cell) return;
    if (!reference || reference === $("#active-model")?.textContent) {
      cell.querySelector(".again").click();
      return;
    }
    const asked = { verb: "rerun", turn: Number(cell.dataset.turn), models: [reference] };
    document.dispatchEvent(new CustomEvent("aether:wish", { detail: { asked, message: "" } }));
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".retry");
    if (button) retry(button);
  });

  look();
})();
