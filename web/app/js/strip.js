// All pictures in a row, how each stands, and the batch that makes them all.

import { Run, newBatch } from "./batch.js";
import { announce, complain, element, save, told } from "./dom.js";
import { work } from "./work.js";

/** The batch that runs, on whichever page. @type {Run | null} */
let running = null;

const STATES = {
  waiting: "waiting",
  sending: "sending",
  queued: "waiting its turn",
  running: "cutting out",
  succeeded: "done",
  failed: "failed",
  cancelled: "cancelled",
};

export class Strip {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.signal = signal;
    this.list = element("ul", { class: "thumbs", "aria-label": "Pictures" });
    this.head = element("div", { class: "strip-head" });
    this.root = element("div", { class: "strip", hidden: true }, this.head, this.list);
    /** @type {Map<string, { item: HTMLLIElement, image: HTMLImageElement, state: HTMLElement, button: HTMLButtonElement, remove: HTMLButtonElement }>} */
    this.thumbs = new Map();
    this.offered = this.button();
    if (running && running.batch !== work.batch) running = null;
    if (work.batch && !running) this.begin(work.batch);
    else if (running) this.follow(running);
  }

  /** @param {import("./work.js").Batch} batch */
  begin(batch) {
    running = new Run(batch);
    this.follow(running);
    running.start().then(() => this.finished());
  }

  /** @param {Run} run */
  follow(run) {
    run.addEventListener("change", () => this.update(), { signal: this.signal });
  }

  finished() {
    if (!running) return;
    const [ended, all] = running.count;
    if (running.state === "failed" && running.error) complain(running.error);
    announce(running.state === "done" ? `${ended} of ${all} pictures are done` : "The batch has ended");
    document.title = running.state === "done" ? "Done – BackgroundFX" : "BackgroundFX";
  }

  /** The button for all pictures, as it is to be shown from now on. */
  offer() {
    this.offered = this.button();
    return this.offered;
  }

  /** It makes them, cancels that, or gives them. */
  button() {
    const run = running?.batch === work.batch && work.batch ? running : null;
    if (!run || run.state === "cancelled" || (run.state === "failed" && run.error)) {
      return element(
        "button",
        { type: "button", class: "wide", onclick: () => this.startAll() },
        `Make all ${work.pictures.length} as ZIP`,
      );
    }
    if (run.state === "sending" || run.state === "making") {
      return element("button", { type: "button", class: "wide", onclick: () => run.cancel() }, "Cancel the batch");
    }
    const none = run.state === "failed";
    return element(
      "button",
      {
        type: "button",
        class: "wide primary",
        disabled: none,
        onclick: () => save(`/v1/jobs/${run.batch.job}/archive`, "cutouts.zip"),
      },
      "Download the ZIP",
    );
  }

  startAll() {
    work.batch = newBatch();
    this.begin(work.batch);
    work.tell("batch");
    work.dispatchEvent(new CustomEvent("change", { detail: "strokes" }));
  }

  update() {
    this.root.hidden = work.pictures.length < 2;
    if (this.root.hidden) return;
    const run = work.batch && running?.batch === work.batch ? running : null;
    this.header(run);
    const seen = new Set();
    work.pictures.forEach((picture, index) => {
      seen.add(picture.id);
      const thumb = this.thumbs.get(picture.id) ?? this.thumb(picture);
      if (this.list.children[index] !== thumb.item)
        this.list.insertBefore(thumb.item, this.list.children[index] ?? null);
      const item = run?.items.get(picture.id);
      const failed = item?.state === "failed" || (!item && picture.state === "failed");
      const text = item
        ? STATES[item.state]
        : {
            waiting: "",
            reading: "reading",
            loading: "waiting",
            cutting: "cutting out",
            finishing: "finishing",
            done: "",
            failed: "failed",
            cancelled: "cancelled",
          }[picture.state];
      const source = picture.cut?.address ?? (picture.canShow ? picture.original : "");
      if (source && thumb.image.src !== source) thumb.image.src = source;
      thumb.state.textContent = text;
      thumb.item.dataset.state = failed ? "failed" : item ? item.state : picture.state;
      const reason = item?.error || (picture.error ? /** @type {any} */ (picture.error).message : "");
      thumb.button.title = failed ? reason : picture.file.name;
      thumb.button.setAttribute("aria-label", [picture.file.name, text, failed && reason].filter(Boolean).join(", "));
      thumb.button.setAttribute("aria-current", String(index === work.at));
    });
    for (const [id, thumb] of this.thumbs) {
      if (seen.has(id)) continue;
      thumb.item.remove();
      this.thumbs.delete(id);
    }
    const { offered } = this;
    const now = this.offer();
    if (offered.textContent === now.textContent) {
      this.offered = offered;
      return;
    }
    const held = document.activeElement === offered;
    offered.replaceWith(now);
    if (held) now.focus();
  }

  /** @param {Run | null} run */
  header(run) {
    if (!run) {
      const text = `${work.pictures.length} pictures, all with the same settings.`;
      this.head.replaceChildren(element("span", {}, text));
      return;
    }
    const [ended, all] = run.count;
    const failures = [...run.items.values()].filter((item) => item.state === "failed").length;
    const texts = {
      sending: run.waiting ? "The server does not answer; sending goes on when it does …" : "Sending …",
      making: `Cutting out: ${ended} of ${all}`,
      done: failures
        ? `${all - failures} of ${all} are done; ${failures} failed, see why on each.`
        : `All ${all} are done.`,
      failed: run.error ? told(run.error).message : "None could be made; see why on each.",
      cancelled: "Cancelled.",
    };
    if (run.state === "making") document.title = `${ended}/${all} done – BackgroundFX`;
    const bar = element("progress", { max: 1, value: run.share, "aria-label": "The batch" });
    this.head.replaceChildren(
      element("span", {}, texts[run.state]),
      ...(run.state === "sending" || run.state === "making" ? [bar] : []),
    );
  }

  /** @param {import("./picture.js").Picture} picture */
  thumb(picture) {
    const image = element("img", { alt: "", loading: "lazy", draggable: false });
    const state = element("span", { class: "thumb-state" });
    const button = element(
      "button",
      { type: "button", class: "thumb", onclick: () => work.select(work.pictures.indexOf(picture)) },
      image,
      state,
    );
    const remove = element(
      "button",
      {
        type: "button",
        class: "thumb-remove",
        "aria-label": `Take ${picture.file.name} away`,
        title: "Take away",
        onclick: () => work.drop(picture),
      },
      "✕",
    );
    const made = { item: element("li", {}, button, remove), image, state, button, remove };
    this.thumbs.set(picture.id, made);
    return made;
  }
}
