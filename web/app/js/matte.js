// Mattes in the page: what a brush does to them, and how they become files.

/**
 * @typedef {object} Stroke a line drawn with the brush; lengths are shares of the picture's diagonal, places of its sides
 * @property {"keep" | "remove"} verdict
 * @property {number} radius
 * @property {number} hardness 0 (soft up to the middle) to 1 (hard up to the rim)
 * @property {[number, number][]} points
 */

/**
 * @typedef {object} Matte alpha, 0 to 255, row by row
 * @property {number} width
 * @property {number} height
 * @property {Uint8ClampedArray} alpha
 * @property {Float32Array} [exact] the same, 0 to 1, not rounded yet: of what was found on the device
 */

/** Most pixels of a canvas that weak devices still hold. */
export const MOST_PIXELS = 16e6;

/**
 * Draws a stroke's cover in white: its line, and its rim as soft as the brush.
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke} stroke
 * @param {number} width
 * @param {number} height
 */
function draw(context, stroke, width, height) {
  const radius = Math.max(0.5, stroke.radius * Math.hypot(width, height));
  const rim = radius * (1 - stroke.hardness);
  context.clearRect(0, 0, width, height);
  context.filter = rim > 0.5 ? `blur(${rim / 2}px)` : "none";
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = context.fillStyle = "#fff";
  context.lineWidth = 2 * Math.max(0.5, radius - rim / 2);
  context.beginPath();
  const [first, ...others] = stroke.points;
  if (!first) return;
  context.moveTo(first[0] * width, first[1] * height);
  // A single tap is a dot.
  for (const [x, y] of others.length ? others : [first]) context.lineTo(x * width + 0.01, y * height);
  context.stroke();
  context.filter = "none";
}

/**
 * The matte after strokes, drawn in their order.
 * @param {Matte} matte
 * @param {Stroke[]} strokes
 * @returns {Matte}
 */
export function painted(matte, strokes) {
  if (strokes.length === 0) return matte;
  const { width, height } = matte;
  const context = contextOf(width, height);
  const alpha = new Uint8ClampedArray(matte.alpha);
  for (const stroke of strokes) {
    draw(context, stroke, width, height);
    const { left, top, right, bottom } = reach(stroke, width, height);
    if (right <= left || bottom <= top) continue;
    const cover = context.getImageData(left, top, right - left, bottom - top).data;
    const goal = stroke.verdict === "keep" ? 255 : 0;
    for (let y = top, from = 3; y < bottom; y += 1) {
      for (let x = left; x < right; x += 1, from += 4) {
        const at = y * width + x;
        const share = cover[from] / 255;
        if (share > 0) alpha[at] = alpha[at] * (1 - share) + goal * share;
      }
    }
  }
  return { width, height, alpha };
}

/**
 * The box that a stroke can change.
 * @param {Stroke} stroke
 * @param {number} width
 * @param {number} height
 */
function reach(stroke, width, height) {
  const around = Math.ceil(stroke.radius * Math.hypot(width, height) * 1.5) + 2;
  const xs = stroke.points.map((point) => point[0] * width);
  const ys = stroke.points.map((point) => point[1] * height);
  const within = (/** @type {number} */ value, /** @type {number} */ most) =>
    Math.min(most, Math.max(0, Math.round(value)));
  return {
    left: within(Math.min(...xs) - around, width),
    top: within(Math.min(...ys) - around, height),
    right: within(Math.max(...xs) + around, width),
    bottom: within(Math.max(...ys) + around, height),
  };
}

/**
 * A canvas to work on.
 * @param {number} width
 * @param {number} height
 */
export function contextOf(width, height) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser gives no canvas; close other pages and try again");
  return context;
}

/**
 * A canvas as a file.
 * @param {HTMLCanvasElement} canvas
 * @param {string} type
 * @param {number} [quality]
 * @returns {Promise<Blob>}
 */
export function fileOf(canvas, type, quality) {
  return new Promise((done, failed) => {
    canvas.toBlob(
      (blob) => (blob ? done(blob) : failed(new Error("this browser cannot write the picture"))),
      type,
      quality,
    );
  });
}

/**
 * The matte as a grey PNG.
 * @param {Matte} matte
 */
export function asPng({ width, height, alpha }) {
  const context = contextOf(width, height);
  const image = context.createImageData(width, height);
  for (let from = 0, to = 0; from < alpha.length; from += 1, to += 4) {
    const value = alpha[from];
    image.data[to] = image.data[to + 1] = image.data[to + 2] = value;
    image.data[to + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return fileOf(context.canvas, "image/png");
}

/**
 * The matte of a file: of a cut-out its transparency, of a grey picture its values.
 * @param {Blob} file
 * @param {"alpha" | "gray"} channel
 * @returns {Promise<Matte>}
 */
export async function read(file, channel) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (bitmap.width * bitmap.height)));
  const [width, height] = [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)];
  const context = contextOf(width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const alpha = new Uint8ClampedArray(width * height);
  for (let to = 0, from = channel === "alpha" ? 3 : 0; to < alpha.length; to += 1, from += 4) {
    alpha[to] = data[from];
  }
  return { width, height, alpha };
}
