// One picture on its way: a small copy, its cut-out, what the settings make of it, and all of it at full size.

import { form, patiently, send } from "./api.js";
import { check, device } from "./device/device.js";
import { asPng, contextOf, fileOf, painted, read } from "./matte.js";
import { place } from "./place.js";
import { behind, cutting, fields, finishing, isPlain } from "./settings.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./matte.js").Stroke} Stroke */
/** @typedef {import("./matte.js").Matte} Matte */

/** Pixels of the copy that is worked on until the picture is downloaded. */
const SMALL = 1.2e6;

/** A picture. What is shown of it are addresses of blobs. */
export class Picture {
  /**
   * @param {File} file
   * @param {string} [id]
   */
  constructor(file, id = crypto.randomUUID()) {
    this.id = id;
    this.file = file;
    /** The file itself, shown at once; a browser that cannot show it has the cut-out only. */
    this.original = URL.createObjectURL(file);
    this.canShow = true;
    /** @type {Blob | null} */
    this.small = null;
    /** @type {{ blob: Blob, address: string, matte: Matte, key: string, onDevice: boolean } | null} */
    this.cut = null;
    /** The address of what the settings make of it, where that is not the cut-out itself. @type {string | null} */
    this.made = null;
    /** @type {"waiting" | "reading" | "loading" | "cutting" | "finishing" | "done" | "failed" | "cancelled"} */
    this.state = "waiting";
    /** @type {unknown} */
    this.error = null;
    /** How sure the network is, 0 to 1. @type {number | null} */
    this.confidence = null;
  }

  /** Its name without the ending. */
  get stem() {
    return this.file.name.replace(/\.[^.]*$/, "") || "picture";
  }

  /** Lets go of what the browser holds of it. */
  forget() {
    for (const address of [this.original, this.cut?.address, this.made]) if (address) URL.revokeObjectURL(address);
  }

  /** The small copy; the file itself where it is small already, or the browser cannot read it. */
  async reduce() {
    if (this.small) return this.small;
    const bitmap = await createImageBitmap(this.file).catch(() => null);
    if (!bitmap) {
      this.canShow = false;
      this.small = this.file;
      return this.small;
    }
    const scale = Math.sqrt(SMALL / (bitmap.width * bitmap.height));
    if (scale >= 1) {
      this.small = this.file;
    } else {
      const [width, height] = [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)];
      const context = contextOf(width, height);
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, 0, 0, width, height);
      // Transparency that the picture brings along stays.
      const opaque = /jpe?g$/.test(this.file.type);
      this.small = await fileOf(context.canvas, opaque ? "image/jpeg" : "image/png", 0.95);
    }
    bitmap.close();
    return this.small;
  }

  /**
   * Cuts the small copy out, unless that is done.
   * @param {Settings} settings
   * @param {AbortSignal} [signal]
   */
  async cutOut(settings, signal) {
    const options = JSON.stringify(cutting(settings));
    const { onDevice } = place;
    const key = `${onDevice} ${settings.preset} ${options}`;
    if (this.cut?.key === key) return this.cut;
    const image = await this.reduce();
    if (onDevice) {
      const { confidence, ...matte } = await device.find(image, signal);
      const blob = await device.compose(image, matte, { ...settings, behind: "none" }, signal);
      return this.take({ blob, matte, key, onDevice }, confidence);
    }
    const body = form({ image, preset: settings.preset, options, format: "png" });
    const answer = await patiently(() => send("POST", "/v1/remove", { body, signal }), signal);
    const blob = await answer.blob();
    const confidence = Number(answer.headers.get("x-bgfx-confidence") ?? 1);
    return this.take({ blob, matte: await read(blob, "alpha"), key, onDevice }, confidence);
  }

  /**
   * @param {{ blob: Blob, matte: Matte, key: string, onDevice: boolean }} made
   * @param {number} confidence
   */
  take(made, confidence) {
    if (this.cut) URL.revokeObjectURL(this.cut.address);
    this.confidence = confidence;
    this.cut = { ...made, address: URL.createObjectURL(made.blob) };
    return this.cut;
  }

  /**
   * Makes of the cut-out what settings and strokes say, and shows how far that is.
   * @param {Settings} settings
   * @param {Stroke[]} strokes
   * @param {AbortSignal} signal
   * @param {() => void} changed
   */
  async make(settings, strokes, signal, changed) {
    const enter = (/** @type {Picture["state"]} */ state) => {
      this.state = state;
      changed();
    };
    try {
      this.error = null;
      enter(this.small ? "cutting" : "reading");
      if (place.onDevice) check(settings);
      await this.reduce();
      if (place.onDevice && !device.ready) {
        enter("loading");
        await device.load(changed);
        if (signal.aborted) return;
      }
      enter("cutting");
      const cut = await this.cutOut(settings, signal);
      if (isPlain(settings) && strokes.length === 0) {
        this.show(null);
      } else {
        enter("finishing");
        const blob = await this.finish(painted(cut.matte, strokes), settings, signal);
        if (signal.aborted) return;
        this.show(blob);
      }
      enter("done");
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
      enter("failed");
    }
  }

  /** @param {Blob | null} blob */
  show(blob) {
    if (this.made) URL.revokeObjectURL(this.made);
    this.made = blob && URL.createObjectURL(blob);
  }

  /**
   * @param {Matte} matte
   * @param {Settings} settings
   * @param {AbortSignal} signal
   */
  async finish(matte, settings, signal) {
    if (place.onDevice) return device.compose(await this.reduce(), matte, settings, signal);
    const { edges, shadow, layout } = finishing(settings);
    // The matte is what the network and the edges made of it: only what was asked for is done to it now.
    const options = {
      edges: { refine: false, ...edges },
      matting: "none",
      shadow,
      layout: { ...layout, most_pixels: SMALL },
    };
    const mask = await asPng(matte);
    const image = await this.reduce();
    const body = form({ image, mask, options: JSON.stringify(options), ...behind(settings), quality: "92" });
    return (await patiently(() => send("POST", "/v1/remove", { body, signal }), signal)).blob();
  }

  /** The address of what there is to show. */
  get shown() {
    return this.made ?? this.cut?.address ?? null;
  }

  /**
   * The picture at full size, as a file to download.
   * @param {Settings} settings
   * @param {Stroke[]} strokes
   * @param {AbortSignal} [signal]
   * @returns {Promise<Blob>}
   */
  async full(settings, strokes, signal) {
    if (place.onDevice) {
      check(settings);
      // What is shown is all of it, where that is small.
      const whole = (await this.reduce()) === this.file;
      const matte = whole ? (await this.cutOut(settings, signal)).matte : await device.find(this.file, signal);
      return device.compose(this.file, painted(matte, strokes), settings, signal);
    }
    const ask = async (/** @type {Record<string, string | Blob>} */ fields) =>
      (
        await patiently(
          () => send("POST", "/v1/remove", { body: form({ image: this.file, ...fields }), signal }),
          signal,
        )
      ).blob();
    if (strokes.length === 0) return ask(fields(settings));
    const mask = await this.mask(settings, strokes, signal);
    const { options, preset: _, ...others } = fields(settings);
    const wanted = options === undefined ? {} : JSON.parse(/** @type {string} */ (options));
    const edges = { refine: false, ...wanted.edges };
    const exact = JSON.stringify({ ...wanted, subject: undefined, edges, matting: "none" });
    return ask({ ...others, mask, options: exact });
  }

  /**
   * The matte at full size, with all strokes, as a file.
   * @param {Settings} settings
   * @param {Stroke[]} strokes
   * @param {AbortSignal} [signal]
   */
  async mask(settings, strokes, signal) {
    const { preset } = settings;
    const options = JSON.stringify(cutting(settings));
    const body = form({ image: this.file, preset, options, output: "matte", format: "png" });
    const answer = await patiently(() => send("POST", "/v1/remove", { body, signal }), signal);
    return asPng(painted(await read(await answer.blob(), "gray"), strokes));
  }

  /** What speaks against the cut-out, for people; nothing when all seems well. */
  get doubt() {
    if (this.state !== "done" || this.confidence === null) return "";
    return this.confidence < 0.6 ? "Worth a look: the network was not sure of this one." : "";
  }
}

/**
 * The ending of a file of this type.
 * @param {Blob} blob
 */
export function ending(blob) {
  const name = blob.type.split("/")[1] ?? "png";
  return { jpeg: "jpg", "x-matroska": "mkv", quicktime: "mov" }[name] ?? name;
}
