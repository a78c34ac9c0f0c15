// Resizing by a kernel that widens when shrinking, as the server's library does: across, then down.

/** Rows that the server makes at once. */
const BAND = 256;

/** Six samples wide, for colours. @param {number} x */
function lanczos3(x) {
  const sinc = (/** @type {number} */ v) => (v === 0 ? 1 : Math.sin(Math.PI * v) / (Math.PI * v));
  return Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0;
}

/** Four samples wide, for mattes. @param {number} x */
function catmullRom(x) {
  const v = Math.abs(x);
  if (v < 1) return (1.5 * v - 2.5) * v * v + 1;
  return v < 2 ? ((-0.5 * v + 2.5) * v - 4) * v + 2 : 0;
}

/**
 * For each target pixel where its samples begin, how many there are, and what each weighs.
 * @typedef {{ start: Int32Array, count: Int32Array, weights: Float64Array, most: number }} Weights
 */

/**
 * @param {number} from
 * @param {number} to
 * @param {(x: number) => number} kernel
 * @param {number} support half of its width
 * @returns {Weights}
 */
function weigh(from, to, kernel, support) {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const radius = support * stretch;
  const most = Math.ceil(radius) * 2 + 1;
  const start = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Float64Array(to * most);
  for (let at = 0; at < to; at += 1) {
    const center = (at + 0.5) * scale;
    const first = Math.max(0, Math.floor(center - radius));
    const last = Math.min(from, Math.ceil(center + radius));
    let sum = 0;
    for (let sample = first; sample < last; sample += 1) {
      const weight = kernel((sample - center + 0.5) / stretch);
      weights[at * most + sample - first] = weight;
      sum += weight;
    }
    for (let index = 0; index < last - first; index += 1) weights[at * most + index] /= sum;
    [start[at], count[at]] = [first, last - first];
  }
  return { start, count, weights, most };
}

/**
 * Weights for whole numbers of 8 bits, rounded as the library rounds them: to as many bits as the greatest leaves of 16.
 * @param {Weights} exact
 * @param {number} band so many target pixels are made at once, by weights of their own
 * @returns {Weights}
 */
function rounded(exact, band = exact.start.length) {
  const weights = exact.weights.slice();
  for (let from = 0; from < weights.length; from += band * exact.most) {
    const part = weights.subarray(from, from + band * exact.most);
    const greatest = part.reduce((most, weight) => Math.max(most, weight), 0);
    let bits = 0;
    while (bits < 21 && Math.round(greatest * 2 ** (bits + 1)) < 32768) bits += 1;
    part.forEach((weight, at) => (part[at] = Math.round(weight * 2 ** bits) / 2 ** bits));
  }
  return { ...exact, weights };
}

/**
 * Resizes along one side.
 * @template {Float32Array | Uint8ClampedArray} Values
 * @param {Values} source
 * @param {Weights} along
 * @param {{ step: number, lines: number, line: (index: number) => [number, number] }} way numbers between a line's samples,
 *   how many lines there are, and where each begins in the source and in the result
 * @param {Values} result with the same step between samples
 */
function pass(source, { start, count, weights, most }, { step, lines, line }, result) {
  for (let index = 0; index < lines; index += 1) {
    const [from, to] = line(index);
    for (let at = 0; at < start.length; at += 1) {
      let sum = 0;
      for (let k = 0, sample = from + start[at] * step, weight = at * most; k < count[at]; k += 1, sample += step)
        sum += source[sample] * weights[weight + k];
      result[to + at * step] = sum;
    }
  }
  return result;
}

/**
 * Ways along rows and along columns, of pictures of `channels` numbers a pixel.
 * @param {number} channels
 * @param {[number, number]} from width and height
 * @param {[number, number]} to
 */
function ways(channels, [width], [toWidth]) {
  const across = (/** @type {number} */ rows) => ({
    step: channels,
    lines: rows * channels,
    line: (/** @type {number} */ index) => {
      const [row, c] = [Math.floor(index / channels), index % channels];
      return /** @type {[number, number]} */ ([row * width * channels + c, row * toWidth * channels + c]);
    },
  });
  const down = (/** @type {number} */ columns) => ({
    step: columns * channels,
    lines: columns * channels,
    line: (/** @type {number} */ index) => /** @type {[number, number]} */ ([index, index]),
  });
  return { across, down };
}

/**
 * Red, green and blue of pixels of four numbers, resized: down first, whole numbers in between.
 * @param {Uint8ClampedArray} rgba
 * @param {[number, number]} from width and height
 * @param {[number, number]} to
 */
export function resizeColors(rgba, from, to) {
  const [width, height] = from;
  const source = new Uint8ClampedArray(width * height * 3);
  for (let at = 0; at < width * height; at += 1) for (let c = 0; c < 3; c += 1) source[at * 3 + c] = rgba[at * 4 + c];
  const { across, down } = ways(3, from, to);
  const columns = rounded(weigh(height, to[1], lanczos3, 3), BAND);
  const middle = pass(source, columns, down(width), new Uint8ClampedArray(width * to[1] * 3));
  const rows = rounded(weigh(width, to[0], lanczos3, 3));
  return pass(middle, rows, across(to[1]), new Uint8ClampedArray(to[0] * to[1] * 3));
}

/**
 * A matte, 0 to 1, resized: across first.
 * @param {Float32Array} alpha
 * @param {[number, number]} from width and height
 * @param {[number, number]} to
 */
export function resizeMatte(alpha, from, to) {
  if (from[0] === to[0] && from[1] === to[1]) return alpha;
  const { across, down } = ways(1, from, to);
  const rows = weigh(from[0], to[0], catmullRom, 2);
  const middle = pass(alpha, rows, across(from[1]), new Float32Array(to[0] * from[1]));
  const columns = weigh(from[1], to[1], catmullRom, 2);
  const resized = pass(middle, columns, down(to[0]), new Float32Array(to[0] * to[1]));
  for (let at = 0; at < resized.length; at += 1) resized[at] = Math.min(1, Math.max(0, resized[at]));
  return resized;
}
