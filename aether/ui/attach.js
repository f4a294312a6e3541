/*
 * Files that are pasted or dropped go the way of those that are chosen: into the field of the
 * button. And a chip's cross takes its file off. It reads no file and sends none by itself.
 */
(() => {
  "use strict";

  const $ = (selector) => document.querySelector(selector);

  function hand(files) {
    const field = $("#attach input[type=file], input[type=file]#attach, #place-composer-start input[type=file]");
    if (!field || !files.length) return;
    const carried = new DataTransfer();
    for (const file of files) carried.items.add(file);
    field.files = carried.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  document.addEventListener(
    "paste",
    (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length || !event.target.closest?.("#composer")) return;
      event.preventDefault();
      event.stopPropagation();
      hand(files);
    },
    true,
  );

  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    document.body.classList.remove("dropping");
    if (!carriesFiles(event)) return;
    event.preventDefault();
    hand([...event.dataTransfer.files]);
  });

  document.addEventListener("click", (event) => {
    const cross = event.target.closest?.(".unattach");
    if (!cross) return;
    window.aether.wire("#unattach-number", "#unattach", cross.dataset.number);
  });
})();
