// Cutting out on the device: pictures stay here, and the network comes to them.

import { Problem, json } from "../api.js";
import { MOST_PIXELS } from "../matte.js";
import { beyond } from "./beyond.js";

/** @typedef {import("../settings.js").Settings} Settings */
/** @typedef {import("../matte.js").Matte} Matte */

/** Least memory in GB that a device is to have, where the browser tells. */
const LEAST_MEMORY = 4;

/** What the browser tells of the device's memory, in GB. @type {number | undefined} */
const memory = Reflect.get(navigator, "deviceMemory");

/** Whether this browser has what it takes. */
export const able =
  typeof WebAssembly === "object" &&
  typeof OffscreenCanvas === "function" &&
  typeof CompressionStream === "function" &&
  (memory ?? LEAST_MEMORY) >= LEAST_MEMORY;

class Device {
  constructor() {
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {Map<number, { done: (answer: any) => void, failed: (error: unknown) => void, progress?: (share: number) => void }>} */
    this.waiting = new Map();
    this.number = 0;
    /** Ends when all that was asked before has ended: one thing at a time. @type {Promise<unknown>} */
    this.last = Promise.resolve();
    /** @type {Promise<void> | null} */
    this.loading = null;
    /** How much of the network has come, 0 to 1. */
    this.share = 0;
  }

  get ready() {
    return this.share >= 1;
  }

  /**
   * Loads the network unless that is done.
   * @param {() => void} [changed] called as it comes
   */
  load(changed) {
    this.loading ??= this.begin(changed).catch((error) => {
      this.loading = null;
      this.end(error);
      throw error;
    });
    return this.loading;
  }

  /** @param {() => void} [changed] */
  async begin(changed) {
    const offer = await json("GET", "/v1/device").catch((error) => {
      if (error instanceof Problem && error.status === 404) error.hint = "Cut out on the server instead.";
      throw error;
    });
    this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.worker.addEventListener("message", ({ data }) => this.told(data));
    this.worker.addEventListener("error", () => this.end(problem("The browser has ended the computation.")));
    await this.post("load", { offer }, [], (share) => {
      // The last bit is for setting it up.
      this.share = share * 0.99;
      changed?.();
    });
    this.share = 1;
  }

  /** @param {any} data */
  told({ number, share, answer, error }) {
    const waiting = this.waiting.get(number);
    if (!waiting) return;
    if (share !== undefined) {
      waiting.progress?.(share);
      return;
    }
    this.waiting.delete(number);
    if (error === undefined) waiting.done(answer);
    else waiting.failed(problem(`It could not be done on this device: ${error}`));
  }

  /** Ends what is being computed; the network is fetched again, from what the browser keeps, when it is next needed. */
  cancel() {
    if (this.waiting.size > 0) this.end(new DOMException("", "AbortError"));
  }

  /** Lets go of the thread. @param {unknown} error */
  end(error) {
    this.worker?.terminate();
    this.worker = null;
    this.loading = null;
    this.share = 0;
    for (const { failed } of this.waiting.values()) failed(error);
    this.waiting.clear();
  }

  /**
   * @param {string} what
   * @param {object} asked
   * @param {Transferable[]} given
   * @param {(share: number) => void} [progress]
   * @returns {Promise<any>}
   */
  post(what, asked, given, progress) {
    this.number += 1;
    const { number } = this;
    return new Promise((done, failed) => {
      this.waiting.set(number, { done, failed, progress });
      this.worker?.postMessage({ number, what, asked }, given);
    });
  }

  /**
   * Asks for something when its turn comes, unless nobody wants it any more by then.
   * @param {AbortSignal | undefined} signal
   * @param {() => Promise<any>} ask
   */
  async turn(signal, ask) {
    await this.load();
    const before = this.last;
    const mine = before.then(() => {
      signal?.throwIfAborted();
      return ask();
    });
    this.last = mine.catch(() => undefined);
    return mine;
  }

  /**
   * Finds the matte of a picture.
   * @param {Blob} picture
   * @param {AbortSignal} [signal]
   * @returns {Promise<Matte & { confidence: number }>}
   */
  find(picture, signal) {
    return this.turn(signal, async () => {
      const bitmap = await bitmapOf(picture);
      return this.post("find", { bitmap }, [bitmap]);
    });
  }

  /**
   * Makes of a picture and its matte what the settings say.
   * @param {Blob} picture
   * @param {Matte} matte
   * @param {Settings} settings
   * @param {AbortSignal} [signal]
   * @returns {Promise<Blob>}
   */
  compose(picture, matte, settings, signal) {
    return this.turn(signal, async () => {
      const bitmap = await bitmapOf(picture);
      const behind = settings.behind === "picture" && settings.picture ? await bitmapOf(settings.picture) : null;
      const given = behind ? [bitmap, behind] : [bitmap];
      return this.post("compose", { bitmap, matte, settings, behind }, given);
    });
  }
}

/** There is one. */
export const device = new Device();

/**
 * Refuses settings that only the server can follow: nothing is sent there unasked.
 * @param {Settings} settings
 */
export function check(settings) {
  const what = beyond(settings);
  if (!what) return;
  const hint = "Cut out on the server instead, or leave that setting off.";
  throw new Problem({ detail: `${what} is made on the server only.`, hint, code: "not_on_device" }, 0);
}

/** @param {string} detail */
function problem(detail) {
  return new Problem({ detail, hint: "Close other pages and try again, or cut out on the server.", code: "device" }, 0);
}

/** @param {Blob} picture */
async function bitmapOf(picture) {
  const bitmap = await createImageBitmap(picture).catch(() => {
    const hint = "Cut it out on the server, which reads more kinds of files.";
    throw new Problem({ detail: "This browser cannot read the picture.", hint, code: "input_unreadable" }, 0);
  });
  if (bitmap.width * bitmap.height <= MOST_PIXELS) return bitmap;
  const size = Math.round((bitmap.width * bitmap.height) / 1e6);
  bitmap.close();
  const hint = "Cut it out on the server.";
  throw new Problem(
    { detail: `A picture of ${size} megapixels is too large for this device.`, hint, code: "device" },
    0,
  );
}
