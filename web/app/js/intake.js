// How files come in: dropped anywhere, pasted, or chosen.

import { element } from "./dom.js";

/** Endings of clips that browsers do not always know the type of. */
const CLIPS = /\.(mp4|mov|m4v|mkv|webm|avi|mpe?g|mts|m2ts|ts|wmv|flv|ogv|3gp)$/i;

/**
 * Whether a file is a clip; what is neither picture nor clip is left to the server, which says what it thinks of it.
 * @param {File} file
 */
export function isClip(file) {
  return file.type.startsWith("video/") || CLIPS.test(file.name);
}

/**
 * All files of what was dropped, also those in folders.
 * @param {DataTransfer} transfer
 * @returns {Promise<File[]>}
 */
async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = [...transfer.files];
  if (!entries.some((entry) => entry?.isDirectory)) return plain;
  /** @type {File[]} */
  const found = [];
  const walk = async (/** @type {FileSystemEntry | null} */ entry) => {
    if (entry?.isFile) {
      const file = await new Promise((done, failed) => /** @type {FileSystemFileEntry} */ (entry).file(done, failed));
      if (!file.name.startsWith(".")) found.push(file);
    } else if (entry?.isDirectory) {
      const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
      for (;;) {
        /** @type {FileSystemEntry[]} */
        const some = await new Promise((done, failed) => reader.readEntries(done, failed));
        if (some.length === 0) break;
        for (const inner of some) await walk(inner);
      }
    }
  };
  for (const entry of entries) await walk(entry);
  return found;
}

/**
 * Takes files that are dropped or pasted anywhere on the page, until the signal.
 * @param {(files: File[]) => void} take
 * @param {(address: string) => void} takeAddress told of a pasted or dropped address of a picture
 * @param {AbortSignal} signal
 */
export function listen(take, takeAddress, signal) {
  let inside = 0;
  const mark = (/** @type {number} */ change) => {
    inside = Math.max(0, inside + change);
    document.body.classList.toggle("dropping", inside > 0);
  };
  const isOurs = (/** @type {DragEvent} */ event) =>
    event.dataTransfer?.types.some((type) => type === "Files" || type === "text/uri-list");
  addEventListener("dragenter", (event) => isOurs(event) && mark(1), { signal });
  addEventListener("dragleave", (event) => isOurs(event) && mark(-1), { signal });
  addEventListener("dragover", (event) => isOurs(event) && event.preventDefault(), { signal });
  addEventListener(
    "drop",
    (event) => {
      mark(-Infinity);
      const transfer = event.dataTransfer;
      if (!transfer || !isOurs(event)) return;
      event.preventDefault();
      const address = transfer.getData("text/uri-list").split("\n")[0]?.trim();
      if (transfer.files.length === 0 && address) takeAddress(address);
      else filesOf(transfer).then(take);
    },
    { signal },
  );
  addEventListener(
    "paste",
    (event) => {
      if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return;
      const files = [...(event.clipboardData?.files ?? [])];
      const text = event.clipboardData?.getData("text/plain").trim() ?? "";
      if (files.length > 0) take(files);
      else if (/^https?:\/\/\S+$/.test(text)) takeAddress(text);
    },
    { signal },
  );
}

/**
 * A button that has files chosen.
 * @param {string} text
 * @param {(files: File[]) => void} take
 * @param {string} [look]
 */
export function chooser(text, take, look = "primary") {
  const input = element("input", {
    type: "file",
    multiple: true,
    accept: "image/*,video/*,.avif,.mkv,.mov,.ts",
    class: "gone",
    tabindex: "-1",
    "aria-hidden": "true",
  });
  input.addEventListener("change", () => {
    take([...(input.files ?? [])]);
    input.value = "";
  });
  return element(
    "span",
    {},
    element("button", { type: "button", class: look, onclick: () => input.click() }, text),
    input,
  );
}
