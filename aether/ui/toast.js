/*
 * A word at the foot of the page, with something that may be done about it. It draws with text
 * nodes alone: what is said can be anything.
 */
(() => {
  "use strict";

  const node = (tag, { text, ...rest } = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), rest);
    if (text !== undefined) made.textContent = text;
    made.append(...children);
    return made;
  };

  function toast(text, action, act, lasts_ms = 10_000) {
    document.querySelector("#toast")?.remove();
    const box = node("div", { id: "toast" }, node("span", { text }));
    box.setAttribute("role", "status");
    if (action) {
      const button = node("button", { type: "button", text: action });
      button.addEventListener("click", () => {
        box.remove();
        act();
      });
      box.append(button);
    }
    document.body.append(box);
    setTimeout(() => box.remove(), lasts_ms);
  }

  Object.assign(window.aether, { node, toast });
})();
