// Many pictures made together: sent in pieces, made by a job of the server, given back as a ZIP.

import { form, json, patiently, send, watch } from "./api.js";
import { fields } from "./settings.js";
import { upload } from "./upload.js";
import { work } from "./work.js";

/** @typedef {import("./work.js").Batch} Batch */
/** @typedef {{ state: "waiting" | "sending" | "queued" | "running" | "succeeded" | "failed" | "cancelled", share: number, error: string }} Item */

/** Files that are sent at the same time. */
const AT_ONCE = 2;

/** The run of a batch: what became of each picture, and of all. */
export class Run extends EventTarget {
  /** @param {Batch} batch */
  constructor(batch) {
    super();
    this.batch = batch;
    this.stopper = new AbortController();
    /** @type {Map<string, Item>} */
    this.items = new Map(batch.order.map((id) => [id, { state: "waiting", share: 0, error: "" }]));
    /** @type {"sending" | "making" | "done" | "failed" | "cancelled"} */
    this.state = "sending";
    this.waiting = false;
    /** @type {unknown} */
    this.error = null;
  }

  tell() {
    this.dispatchEvent(new Event("change"));
  }

  /** Pictures that have ended, of all. */
  get count() {
    const ended = [...this.items.values()].filter((item) =>
      ["succeeded", "failed", "cancelled"].includes(item.state),
    ).length;
    return [ended, this.items.size];
  }

  /** How far all is, 0 to 1: sending is a third of it. */
  get share() {
    const done = { waiting: 0, queued: 1 / 3, running: 1 / 2, succeeded: 1, failed: 1, cancelled: 1 };
    const shares = [...this.items.values()].map((item) =>
      item.state === "sending" ? item.share / 3 : done[item.state],
    );
    return shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
  }

  async start() {
    try {
      if (!this.batch.job) await this.sendAll();
      this.state = "making";
      this.tell();
      const { job, order } = this.batch;
      let last = 0;
      const look = async () => this.take(await allItems(/** @type {string} */ (job)), order);
      const end = await watch(
        /** @type {string} */ (job),
        () => {
          if (Date.now() - last < 400) return;
          last = Date.now();
          look().catch(() => undefined);
        },
        this.stopper.signal,
      );
      await look();
      this.state = end.status === "cancelled" ? "cancelled" : end.counts.succeeded > 0 ? "done" : "failed";
    } catch (error) {
      this.state = this.stopper.signal.aborted ? "cancelled" : "failed";
      this.error = error;
      for (const item of this.items.values())
        if (item.state === "queued" || item.state === "sending") item.state = "waiting";
    }
    this.tell();
  }

  async sendAll() {
    const { signal } = this.stopper;
    const queue = [...this.batch.order];
    const next = async () => {
      for (let id = queue.shift(); id; id = queue.shift()) await this.sendOne(id, signal);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    const body = form({ ...fields(this.batch.settings), name: `${this.batch.order.length} pictures` });
    for (const id of this.batch.order) body.append("upload", this.batch.uploads[id]);
    if (Object.keys(this.batch.masks).length > 0) body.append("masks", JSON.stringify(this.batch.masks));
    const headers = { "Idempotency-Key": this.batch.key };
    const answer = await patiently(() => send("POST", "/v1/jobs", { body, headers, signal }), signal);
    this.batch.job = (await answer.json()).id;
    for (const item of this.items.values()) item.state = "queued";
    work.tell("batch");
  }

  /**
   * @param {string} id
   * @param {AbortSignal} signal
   */
  async sendOne(id, signal) {
    const picture = work.pictures.find((one) => one.id === id);
    const item = /** @type {Item} */ (this.items.get(id));
    if (!picture) throw new Error("a picture of the batch was taken away");
    item.state = "sending";
    this.tell();
    this.batch.uploads[id] = await upload(picture.file, {
      known: this.batch.uploads[id],
      begun: (upload) => {
        this.batch.uploads[id] = upload;
        work.tell("batch");
      },
      progress: (share) => {
        item.share = share;
        this.tell();
      },
      waiting: (waiting) => {
        this.waiting = waiting;
        this.tell();
      },
      signal,
    });
    const strokes = work.strokesOf(picture);
    const number = this.batch.order.indexOf(id) + 1;
    if (strokes.length > 0 && !this.batch.masks[number]) {
      const mask = new File([await picture.mask(this.batch.settings, strokes, signal)], "mask.png", {
        type: "image/png",
      });
      this.batch.masks[number] = await upload(mask, { progress: () => undefined, signal });
      work.tell("batch");
    }
    item.state = "queued";
    this.tell();
  }

  /**
   * @param {any[]} items
   * @param {string[]} order
   */
  take(items, order) {
    for (const item of items) {
      const mine = this.items.get(order[item.number - 1]);
      if (mine) Object.assign(mine, { state: item.status, share: item.progress, error: item.error?.detail ?? "" });
    }
    this.tell();
  }

  async cancel() {
    this.stopper.abort();
    if (this.batch.job) await send("DELETE", `/v1/jobs/${this.batch.job}`).catch(() => undefined);
  }
}

/**
 * All items of a job, page by page.
 * @param {string} job
 */
async function allItems(job) {
  const items = [];
  for (let cursor = ""; ;) {
    const page = await json(
      "GET",
      `/v1/jobs/${job}/items?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    items.push(...page.items);
    if (!page.next_cursor) return items;
    cursor = page.next_cursor;
  }
}

/** A new batch of all pictures. @returns {Batch} */
export function newBatch() {
  return {
    key: crypto.randomUUID(),
    order: work.pictures.map((picture) => picture.id),
    settings: work.settings,
    uploads: {},
    masks: {},
    job: null,
  };
}
