/*
 * The frame: opens and closes the sidebar and the drawer, chooses a tab, and keeps the colours
 * that a person chose. It remembers in this browser alone, and knows nothing of conversations.
 */
(() => {
  "use strict";

  const $ = (selector) => document.querySelector(selector);
  const body = document.body;
  const wide = matchMedia("(min-width: 1100px)");
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const remembered = (name) => {
    try {
      return localStorage.getItem(`aether.${name}`);
    } catch {
      return null; // a browser may forbid it: then nothing is remembered
    }
  };
  const remember = (name, value) => {
    try {
      localStorage.setItem(`aether.${name}`, value);
    } catch {
      /* as above */
    }
  };

  /* ---- colours --------------------------------------------------------------------------------- */

  function paint() {
    const chosen = remembered("scheme") ?? "system";
    body.classList.toggle("dark", chosen === "dark" || (chosen === "system" && dark.matches));
    const radio = $(`.scheme input[value="${chosen}"]`);
    if (radio && !radio.checked) radio.checked = true;
  }

  /* ---- sidebar and drawer ------------------------------------------------------------------------ */

  function toggleSidebar(open, { keep = true } = {}) {
    const isOpen = body.classList.toggle("sidebar-open", open);
    if (isOpen && !wide.matches) body.classList.remove("inspecting");
    if (keep && wide.matches) remember("sidebar", isOpen ? "open" : "closed");
    label();
  }

  function toggleDrawer(open) {
    const was = body.classList.contains("inspecting");
    const isOpen = body.classList.toggle("inspecting", open);
    if (isOpen && !wide.matches) toggleSidebar(false);
    if (was && !isOpen && $("#drawer")?.contains(document.activeElement)) $("#inspect")?.focus();
    label();
  }

  function show(panel) {
    body.dataset.panel = panel;
    label();
  }

  function tabs() {
    return [...document.querySelectorAll("#tabs [role=tab]")].filter((tab) => !tab.hidden);
  }

  /* Say by attributes what the classes say to the eye. */
  function label() {
    const set = (element, name, value) => {
      if (element && element.getAttribute(name) !== value) element.setAttribute(name, value);
    };
    set($("#menu"), "aria-expanded", String(body.classList.contains("sidebar-open")));
    set($("#inspect"), "aria-expanded", String(body.classList.contains("inspecting")));
    const chosen = body.dataset.panel ?? "requests";
    for (const tab of document.querySelectorAll("#tabs [role=tab]")) {
      const panel = $(`#place-panel-${tab.dataset.panel}`);
      const isEmpty = !panel || (tab.dataset.panel !== "requests" && !panel.querySelector(".block, button, input"));
      if (tab.hidden !== isEmpty) tab.hidden = isEmpty;
      set(tab, "aria-selected", String(tab.dataset.panel === chosen));
      set(tab, "tabindex", tab.dataset.panel === chosen ? "0" : "-1");
      set(panel, "role", "tabpanel");
      set(panel, "aria-labelledby", tab.id);
    }
  }

  /* ---- as the page changes ------------------------------------------------------------------------- */

  const dock = new ResizeObserver(([entry]) => {
    body.style.setProperty("--dock", `${Math.floor(entry.target.getBoundingClientRect().height)}px`);
  });
  let watched = null;

  function look() {
    if ($("#dock") && watched !== $("#dock")) {
      watched = $("#dock");
      dock.disconnect();
      dock.observe(watched);
    }
    if (!$("#scrim")) {
      const scrim = document.createElement("div");
      scrim.id = "scrim";
      scrim.addEventListener("click", () => toggleSidebar(false));
      body.append(scrim);
    }
    paint();
    label();
  }

  window.aether.watch(look);

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest?.(selector);
    if (on("#menu")) toggleSidebar();
    else if (on("#inspect") && event.isTrusted) toggleDrawer();
    else if (on(".close-drawer")) toggleDrawer(false);
    else if (on("#tabs [role=tab]")) show(on("#tabs [role=tab]").dataset.panel);
    else if (on("#new") && !wide.matches) {
      toggleDrawer(false);
      toggleSidebar(false);
    }
  });

  document.addEventListener("change", (event) => {
    if (!event.target.matches?.(".scheme input")) return;
    remember("scheme", event.target.value);
    paint();
  });

  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.("#tabs [role=tab]");
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (tab && step) {
      const all = tabs();
      const next = all[(all.indexOf(tab) + step + all.length) % all.length];
      show(next.dataset.panel);
      next.focus();
    } else if (event.key === "Escape" && !body.classList.contains("busy")) {
      toggleDrawer(false);
      if (!wide.matches) toggleSidebar(false);
    }
  });

  dark.addEventListener("change", paint);
  wide.addEventListener("change", () => toggleSidebar(wide.matches && remembered("sidebar") !== "closed", { keep: false }));
  toggleSidebar(wide.matches && remembered("sidebar") !== "closed", { keep: false });
  look();
})();
