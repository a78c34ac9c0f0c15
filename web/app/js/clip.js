// The page where a clip is cut out.

import { Problem, form, json, patiently, send, watch } from "./api.js";
import { announce, complain, element, save, size, where } from "./dom.js";
import { chooser, listen } from "./intake.js";
import { take, takeAddress } from "./make.js";
import { panel, replace } from "./panel.js";
import { behind } from "./settings.js";
import { upload } from "./upload.js";
import { work } from "./work.js";

/**
 * @param {HTMLElement} root
 * @param {AbortSignal} signal
 */
export function show(root, signal) {
  new ClipPage(root, signal).render();
}

class ClipPage {
  /**
   * @param {HTMLElement} root
   * @param {AbortSignal} signal
   */
  constructor(root, signal) {
    this.root = root;
    this.signal = signal;
    this.clip = /** @type {import("./work.js").Clip} */ (work.clip);
    this.stopper = new AbortController();
    /** @type {any} */
    this.job = null;
    this.sent = 0;
    this.text = "";
    /** @type {unknown} */
    this.error = null;
    this.busy = false;
    this.address = URL.createObjectURL(this.clip.file);
    this.player = element("video", {
      src: this.address,
      controls: true,
      muted: true,
      playsInline: true,
      "aria-label": this.clip.file.name,
    });
    this.player.addEventListener("error", () => this.stage.classList.add("unplayable"));
    this.stage = element(
      "div",
      { class: "stage clip-stage" },
      this.player,
      element("p", { class: "cannot-play" }, "This browser cannot play the clip; it can be cut out all the same."),
    );
    this.stage.dataset.backdrop = "checker";
    this.panel = element("div", { class: "panel-settings" });
    this.actions = element("div", { class: "panel-actions" });
    listen(take, takeAddress, signal);
    work.addEventListener(
      "change",
      (event) => /** @type {CustomEvent} */ (event).detail === "settings" && this.update(),
      { signal },
    );
    signal.addEventListener("abort", () => {
      this.stopper.abort();
      URL.revokeObjectURL(this.address);
    });
  }

  render() {
    this.root.className = "clip-page make-page";
    const layout = element(
      "div",
      { class: "workbench" },
      element("h1", { class: "hidden" }, "Remove the background of a clip"),
      element("div", { class: "left" }, this.stage),
      element("aside", { class: "panel", "aria-label": "Settings" }, this.panel, this.actions),
    );
    this.root.replaceChildren(layout);
    this.update();
    // What was begun before the page was loaded again goes on.
    if (this.clip.job || this.clip.upload) this.run();
  }

  update() {
    const change = (/** @type {any} */ change, /** @type {string | undefined} */ group) => work.change(change, group);
    replace(this.panel, panel(work.settings, change, "clip"));
    replace(this.actions, this.buttons());
  }

  /** @returns {Node[]} */
  buttons() {
    const { job } = this;
    const done = job?.status === "succeeded";
    const failure =
      Boolean(this.error) &&
      element(
        "div",
        { class: "failure", role: "alert" },
        element("strong", {}, /** @type {any} */ (this.error).message),
        element("p", {}, /** @type {any} */ (this.error).hint ?? ""),
      );
    const start = element(
      "button",
      { type: "button", class: "primary wide", onclick: () => this.again() },
      done || this.error ? "Cut it out again" : "Cut out the clip",
    );
    const get =
      done &&
      element("button", { type: "button", class: "primary wide", onclick: () => this.download() }, "Download the clip");
    const share = job ? job.progress : this.sent;
    const progress =
      this.busy &&
      element(
        "div",
        { class: "progress" },
        element("span", {}, this.text),
        element("progress", { max: 1, value: share, "aria-label": this.text }),
        element("button", { type: "button", onclick: () => this.cancel() }, "Cancel"),
      );
    const kind = Object.keys(behind(work.settings)).length
      ? "The result is an MP4 with sound."
      : "Without a background the result is a WebM with transparency.";
    return [
      failure,
      get,
      this.busy ? progress : start,
      element("p", { class: "quiet" }, kind),
      element(
        "div",
        { class: "pair" },
        element("button", { type: "button", onclick: () => work.clear() }, "Close the clip"),
        chooser("Another", take, ""),
      ),
      element(
        "p",
        { class: "quiet where" },
        `${this.clip.file.name}, ${size(this.clip.file.size)}. It goes to ${where} and nowhere else.`,
      ),
    ].filter((child) => child instanceof Node);
  }

  again() {
    this.clip.job = null;
    this.clip.key = crypto.randomUUID();
    this.job = null;
    if (this.player.src !== this.address) this.player.src = this.address;
    this.run();
  }

  async run() {
    this.busy = true;
    this.error = null;
    this.stopper = new AbortController();
    try {
      if (!this.clip.job) await this.send();
      const id = /** @type {string} */ (this.clip.job);
      const end = await watch(id, (job) => this.took(job), this.stopper.signal);
      this.took(end);
      if (end.status === "succeeded") this.showResult(id);
      else if (end.status === "failed") await this.explain(id);
    } catch (error) {
      if (error instanceof Problem && error.status === 404) this.clip.job = null;
      if (!this.stopper.signal.aborted) this.error = error;
    }
    this.busy = false;
    this.update();
  }

  async send() {
    const { signal } = this.stopper;
    const { file } = this.clip;
    this.tell("Sending …");
    this.clip.upload = await upload(file, {
      known: this.clip.upload,
      begun: (id) => {
        this.clip.upload = id;
        work.tell("batch");
      },
      progress: (share) => {
        this.sent = share;
        this.tell(`Sending: ${Math.round(share * 100)} %`);
      },
      waiting: (waiting) => waiting && this.tell("The server does not answer; sending goes on when it does …"),
      signal,
    });
    const body = form({ ...behind(work.settings), upload: this.clip.upload, name: file.name });
    const headers = { "Idempotency-Key": this.clip.key };
    const answer = await patiently(() => send("POST", "/v1/jobs", { body, headers, signal }), signal);
    this.clip.job = (await answer.json()).id;
    work.tell("batch");
  }

  /** @param {string} text */
  tell(text) {
    this.text = text;
    replace(this.actions, this.buttons());
  }

  /** @param {any} job */
  took(job) {
    const earlier = Math.floor((this.job?.progress ?? 0) * 10);
    this.job = job;
    const percent = Math.round(job.progress * 100);
    if (Math.floor(job.progress * 10) !== earlier) announce(`${percent} percent`);
    this.tell(job.status === "queued" ? "Waiting its turn …" : `Cutting out: ${percent} %`);
  }

  /** @param {string} id */
  showResult(id) {
    this.player.src = `/v1/jobs/${id}/results/1`;
    this.player.loop = true;
    this.player.play().catch(() => undefined);
    announce("The clip is done");
  }

  /** @param {string} id */
  async explain(id) {
    const { items } = await json("GET", `/v1/jobs/${id}/items`);
    const error = items[0]?.error;
    this.error = {
      message: error?.detail ?? "The clip could not be made.",
      hint: error ? [error.hint, `Code: ${error.code}`].filter(Boolean).join(" ") : "",
    };
    this.clip.job = null;
  }

  async download() {
    const { items } = await json("GET", `/v1/jobs/${this.clip.job}/items`);
    const kind = String(items[0]?.media_type ?? "video/mp4").split("/")[1];
    const name = this.clip.file.name.replace(/\.[^.]*$/, "");
    save(
      `/v1/jobs/${this.clip.job}/results/1`,
      `${name}-cutout.${{ quicktime: "mov", "x-matroska": "mkv" }[kind] ?? kind}`,
    );
  }

  async cancel() {
    this.stopper.abort();
    if (this.clip.job) await send("DELETE", `/v1/jobs/${this.clip.job}`).catch(complain);
    this.clip.job = null;
    this.clip.upload = null;
    this.job = null;
    announce("Cancelled");
  }
}
