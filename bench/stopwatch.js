/*
 * Times an answer in the page's own clock: from the Enter key, or a press of the pointer, to the animation
 * frame that paints it. The time is read inside the frame: the frame's own stamp may be older than the press.
 */
window.stopwatch = (() => {
  let run = null;

  function textOf(selectors) {
    return selectors.map((one) => [...document.querySelectorAll(one)].at(-1)?.textContent ?? "").join("\n");
  }

  const wordOf = (selectors) => document.querySelector(selectors[0])?.dataset.word ?? "";

  function newest(text, word) {
    return Math.max(0, ...[...text.matchAll(new RegExp(`\\[\\[${word}(\\d+)`, "g"))].map((found) => Number(found[1])));
  }

  function frame() {
    if (!run || run.done) return;
    const now = performance.now();
    if (run.begin !== null) {
      if (run.last !== null) run.frames.push(now - run.last);
      run.last = now;
      look(now);
    }
    requestAnimationFrame(frame);
  }

  function look(now) {
    const text = textOf(run.where);
    if (run.expects !== null) {
      if (text.trim() !== run.expects) return;
      run.first ??= now - run.begin;
      if (wordOf(run.where) !== run.word) finish(now);
      return;
    }
    if (text !== run.text) run.paints.push(now - run.begin);
    run.text = text;
    if (run.first === null && newest(text, "r") > run.after) run.first = now - run.begin;
    if (newest(text, "end") > run.after) finish(now);
  }

  function finish(now) {
    run.total = now - run.begin;
    run.done = true;
    run.resolve(run);
  }

  function start(given) {
    const finished = new Promise((resolve) => (given.resolve = resolve));
    run = { finished, begin: null, last: null, first: null, total: null, done: false, frames: [], paints: [], text: "", ...given };
    requestAnimationFrame(frame);
  }

  addEventListener("keydown", (event) => {
    if (event.key === "Enter" && run?.expects === null && run.begin === null) run.begin = performance.now();
  }, true);
  addEventListener("pointerdown", () => {
    if (run && run.expects !== null) run.begin = performance.now();
  }, true);

  return {
    /* Wait for an answer whose number is greater than `after`, in the last elements of `where`. */
    answer: (where, after) => start({ where, after, expects: null }),
    /* Wait, from the next press of the pointer, until the last element of `where` reads `expects` (`first`),
       and until the server has written it anew (`total`). */
    reading: (where, expects) => start({ where, after: 0, expects, word: wordOf(where) }),
    /* The times, once they are all taken. */
    result: () => run.finished.then(({ first, total, frames, paints }) => ({ first, total, frames, paints })),
  };
})();
