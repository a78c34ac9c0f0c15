// What settings make of a picture and its matte, as far as that is done on the device.

import { estimate } from "./foreground.js";
import { png } from "./png.js";

/** @typedef {import("../settings.js").Settings} Settings */
/** @typedef {{ width: number, height: number, data: Uint8ClampedArray }} Pixels */

/**
 * The pixels of a picture.
 * @param {ImageBitmap} bitmap
 * @param {[number, number]} [size] it fills this, what stands over cut off evenly
 * @returns {Pixels}
 */
export function pixelsOf(bitmap, [width, height] = [bitmap.width, bitmap.height]) {
  const context = canvas(width, height);
  const scale = Math.max(width / bitmap.width, height / bitmap.height);
  const [wide, high] = [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)];
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, Math.floor((width - wide) / 2), Math.floor((height - high) / 2), wide, high);
  return context.getImageData(0, 0, width, height);
}

/**
 * @param {number} width
 * @param {number} height
 */
function canvas(width, height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser gives no canvas; close other pages and try again");
  return context;
}

/**
 * The finished picture as a file.
 * @param {ImageBitmap} bitmap
 * @param {import("../matte.js").Matte} matte of its size
 * @param {Settings} settings
 * @param {ImageBitmap | null} behind the picture that goes behind the subject
 * @returns {Promise<Blob>}
 */
export async function compose(bitmap, { alpha, exact }, settings, behind) {
  const pixels = pixelsOf(bitmap);
  const matte = exact ?? Float32Array.from(alpha, (value) => value / 255);
  estimate(pixels, matte);
  const ground = groundOf(settings, pixels, behind);
  if (!ground) {
    alpha.forEach((value, at) => (pixels.data[at * 4 + 3] = value));
    return png(pixels);
  }
  matte.forEach((share, at) => {
    for (let c = 0; c < 3; c += 1) {
      const below = ground(at, c);
      pixels.data[at * 4 + c] = Math.round(below + share * (pixels.data[at * 4 + c] - below));
    }
    pixels.data[at * 4 + 3] = 255;
  });
  if (settings.format === "png") return png(pixels);
  const context = canvas(pixels.width, pixels.height);
  context.putImageData(new ImageData(new Uint8ClampedArray(pixels.data), pixels.width, pixels.height), 0, 0);
  const type = settings.format === "webp" ? "image/webp" : "image/jpeg";
  return context.canvas.convertToBlob({ type, quality: settings.quality / 100 });
}

/**
 * What lies behind: channel `c` of pixel `at`, 0 to 255; nothing when it stays transparent.
 * @param {Settings} settings
 * @param {Pixels} pixels
 * @param {ImageBitmap | null} behind
 * @returns {((at: number, c: number) => number) | null}
 */
function groundOf(settings, { width, height }, behind) {
  const colorOf = (/** @type {string} */ text) => [1, 3, 5].map((from) => parseInt(text.slice(from, from + 2), 16));
  if (settings.behind === "color") {
    const color = colorOf(settings.color);
    return (_, c) => color[c];
  }
  if (settings.behind === "picture" && behind) {
    const { data } = pixelsOf(behind, [width, height]);
    return (at, c) => data[at * 4 + c];
  }
  if (settings.behind !== "gradient") return null;
  const [from, to] = settings.gradient.map(colorOf);
  const turn = (settings.angle * Math.PI) / 180;
  const [sin, cos] = [Math.sin(turn), Math.cos(turn)];
  // The corners get exactly the first and the last colour (CSS Images 3, §3.1).
  const length = Math.abs(width * sin) + Math.abs(height * cos);
  return (at, c) => {
    const [x, y] = [(at % width) + 0.5 - width / 2, height / 2 - Math.floor(at / width) - 0.5];
    const along = Math.min(1, Math.max(0, (x * sin + y * cos) / length + 0.5));
    return Math.round(from[c] + (to[c] - from[c]) * along);
  };
}
