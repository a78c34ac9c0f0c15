// What is being worked on: pictures or a clip, the settings, what was done to them. It outlives pages and reloads.

import { History } from "./history.js";
import * as kept from "./kept.js";
import { Picture } from "./picture.js";
import { defaults } from "./settings.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./matte.js").Stroke} Stroke */
/** @typedef {{ settings: Settings, strokes: Record<string, Stroke[]> }} Step */
/**
 * @typedef {object} Batch pictures that are made together, by a job of the server
 * @property {string} key names the request, so that sending it again makes no second job
 * @property {string[]} order identifiers of its pictures
 * @property {Settings} settings what it was begun with; it ends with them, whatever is changed meanwhile
 * @property {Record<string, string>} uploads picture → upload
 * @property {Record<number, string>} masks number of a picture, from 1 → upload of its matte with all strokes
 * @property {string | null} job
 */
/**
 * @typedef {object} Clip
 * @property {File} file
 * @property {string | null} upload
 * @property {string} key
 * @property {string | null} job
 */

/** Clips above this are not kept by the browser. */
const MOST_KEPT = 1e9;

class Work extends EventTarget {
  constructor() {
    super();
    /** @type {Picture[]} */
    this.pictures = [];
    this.at = 0;
    /** @type {History<Step>} */
    this.steps = new History({ settings: defaults, strokes: {} });
    /** @type {Batch | null} */
    this.batch = null;
    /** @type {Clip | null} */
    this.clip = null;
    this.saving = 0;
    /** Ends once everything of the last visit is back. */
    this.restored = this.restore().catch(() => undefined);
  }

  get settings() {
    return this.steps.now.settings;
  }

  /** The picture that is looked at. */
  get picture() {
    return this.pictures[this.at] ?? null;
  }

  /** @param {Picture} picture */
  strokesOf(picture) {
    return this.steps.now.strokes[picture.id] ?? [];
  }

  /**
   * @param {"list" | "settings" | "strokes" | "batch"} what
   */
  tell(what) {
    this.dispatchEvent(new CustomEvent("change", { detail: what }));
    clearTimeout(this.saving);
    this.saving = window.setTimeout(() => this.save(), 200);
  }

  /** @param {File[]} files */
  add(files) {
    const added = files.map((file) => new Picture(file));
    this.clip = null;
    if (this.pictures.length === 0) this.at = 0;
    else if (added.length > 0) this.at = this.pictures.length;
    this.pictures.push(...added);
    this.batch = null;
    for (const picture of added) kept.put("files", picture.id, picture.file).catch(() => undefined);
    this.tell("list");
  }

  /** @param {File} file */
  open(file) {
    this.clear();
    this.clip = { file, upload: null, key: crypto.randomUUID(), job: null };
    if (file.size < MOST_KEPT) kept.put("files", "clip", file).catch(() => undefined);
    this.tell("list");
  }

  /** @param {Picture} picture */
  drop(picture) {
    const index = this.pictures.indexOf(picture);
    this.pictures.splice(index, 1);
    if (this.at >= index && this.at > 0) this.at -= 1;
    picture.forget();
    this.batch = null;
    kept.remove("files", picture.id).catch(() => undefined);
    this.tell("list");
  }

  clear() {
    for (const picture of this.pictures) picture.forget();
    this.pictures = [];
    this.at = 0;
    this.batch = null;
    this.clip = null;
    this.steps = new History({ settings: this.settings, strokes: {} });
    kept.clear().catch(() => undefined);
    this.tell("list");
  }

  /** @param {number} index */
  select(index) {
    this.at = Math.min(this.pictures.length - 1, Math.max(0, index));
    this.tell("list");
  }

  /**
   * @param {Partial<Settings>} change
   * @param {string} [group]
   */
  change(change, group) {
    this.steps.push({ ...this.steps.now, settings: { ...this.settings, ...change } }, group ?? null);
    this.batch = null;
    this.tell("settings");
  }

  /** @param {Stroke} stroke */
  stroke(stroke) {
    const picture = this.picture;
    if (!picture) return;
    const strokes = { ...this.steps.now.strokes, [picture.id]: [...this.strokesOf(picture), stroke] };
    this.steps.push({ ...this.steps.now, strokes });
    this.batch = null;
    this.tell("strokes");
  }

  undo() {
    this.steps.undo();
    this.batch = null;
    this.tell("settings");
  }

  redo() {
    this.steps.redo();
    this.batch = null;
    this.tell("settings");
  }

  async save() {
    const { at, batch } = this;
    const clip = this.clip && { ...this.clip, file: null, name: this.clip.file.name };
    const page = { order: this.pictures.map((picture) => picture.id), at, step: this.steps.now, batch, clip };
    // A browser in private mode may keep nothing; the page works all the same.
    await kept.put("page", "work", page).catch(() => undefined);
  }

  async restore() {
    const page = await kept.get("page", "work");
    if (!page) return;
    const files = await Promise.all(page.order.map((/** @type {string} */ id) => kept.get("files", id)));
    this.pictures = page.order.flatMap((/** @type {string} */ id, /** @type {number} */ index) =>
      files[index] ? [new Picture(files[index], id)] : [],
    );
    this.at = Math.min(page.at, Math.max(0, this.pictures.length - 1));
    this.steps = new History({ settings: { ...defaults, ...page.step.settings }, strokes: page.step.strokes });
    this.batch = page.batch;
    const clip = page.clip && (await kept.get("files", "clip"));
    if (clip) this.clip = { ...page.clip, file: clip };
  }
}

/** There is one. */
export const work = new Work();
