// Planes of numbers and what steps are made of, computed as the server's library does: block means, box means, places between.

/**
 * @typedef {object} Plane one or more numbers a pixel, row by row
 * @property {number} width
 * @property {number} height
 * @property {number} channels
 * @property {Float32Array} values
 */

/**
 * @param {number} width
 * @param {number} height
 * @param {number} [channels]
 * @returns {Plane}
 */
export function plane(width, height, channels = 1) {
  return { width, height, channels, values: new Float32Array(width * height * channels) };
}

/**
 * Means over blocks of `block` × `block` pixels, the last ones cut off by the border.
 * @param {{ width: number, height: number, values: ArrayLike<number> }} source `stride` numbers a pixel
 * @param {number} stride
 * @param {number} channels how many of them are taken
 * @param {number} block
 * @param {number} [scale] what the means are multiplied by
 * @returns {Plane}
 */
export function shrink({ width, height, values }, stride, channels, block, scale = 1) {
  const small = plane(Math.ceil(width / block), Math.ceil(height / block), channels);
  for (let cellY = 0; cellY < small.height; cellY += 1) {
    const top = cellY * block;
    const bottom = Math.min(height, top + block);
    for (let cellX = 0; cellX < small.width; cellX += 1) {
      const left = cellX * block;
      const right = Math.min(width, left + block);
      const factor = scale / ((right - left) * (bottom - top));
      const to = (cellY * small.width + cellX) * channels;
      for (let c = 0; c < channels; c += 1) {
        let sum = 0;
        for (let y = top; y < bottom; y += 1) {
          const end = (y * width + right) * stride + c;
          for (let at = (y * width + left) * stride + c; at < end; at += stride) sum += values[at];
        }
        small.values[to + c] = sum * factor;
      }
    }
  }
  return small;
}

/**
 * The mean over a square of `2 × radius + 1` numbers around each, the part of it inside the plane.
 * @param {Float32Array} values
 * @param {number} width
 * @param {number} height
 * @param {number} radius
 * @returns {Float32Array}
 */
export function boxMean(values, width, height, radius) {
  if (radius === 0) return values;
  const across = new Float32Array(values.length);
  for (let y = 0, row = 0; y < height; y += 1, row += width) {
    let sum = 0;
    for (let x = 0; x < Math.min(radius, width); x += 1) sum += values[row + x];
    for (let x = 0; x < width; x += 1) {
      if (x + radius < width) sum += values[row + x + radius];
      if (x > radius) sum -= values[row + x - radius - 1];
      across[row + x] = sum / (Math.min(x + radius + 1, width) - Math.max(0, x - radius));
    }
  }
  const means = new Float32Array(values.length);
  const sums = new Float64Array(width);
  const add = (/** @type {number} */ y, /** @type {1 | -1} */ sign) => {
    for (let x = 0, at = y * width; x < width; x += 1, at += 1) sums[x] += sign * across[at];
  };
  for (let y = 0; y < Math.min(radius, height); y += 1) add(y, 1);
  for (let y = 0; y < height; y += 1) {
    if (y + radius < height) add(y + radius, 1);
    if (y > radius) add(y - radius - 1, -1);
    const share = 1 / (Math.min(y + radius + 1, height) - Math.max(0, y - radius));
    for (let x = 0, at = y * width; x < width; x += 1, at += 1) means[at] = sums[x] * share;
  }
  return means;
}

/**
 * Where pixels of a large picture fall between the cells of one shrunk by `block`.
 * @param {number} length pixels on this side
 * @param {number} block
 * @param {number} cells
 */
export function between(length, block, cells) {
  const low = new Int32Array(length);
  const high = new Int32Array(length);
  /** How much of the higher cell. */
  const share = new Float32Array(length);
  for (let position = 0; position < length; position += 1) {
    const at = Math.max(0, (position + 0.5) / block - 0.5);
    low[position] = Math.min(cells - 1, Math.floor(at));
    high[position] = Math.min(cells - 1, low[position] + 1);
    share[position] = Math.min(1, at - low[position]);
  }
  return { low, high, share };
}

/**
 * A plane of one number a cell at the size that it was shrunk from, linear between the cells' middles.
 * @param {Float32Array} small
 * @param {{ width: number, height: number }} cells
 * @param {{ width: number, height: number }} size
 * @param {number} block
 */
export function enlarge(small, cells, { width, height }, block) {
  const [across, down] = [between(width, block, cells.width), between(height, block, cells.height)];
  const large = new Float32Array(width * height);
  for (let y = 0, at = 0; y < height; y += 1) {
    const [upper, lower] = [down.low[y] * cells.width, down.high[y] * cells.width];
    for (let x = 0; x < width; x += 1, at += 1) {
      const [left, right, share] = [across.low[x], across.high[x], across.share[x]];
      const above = small[upper + left] + share * (small[upper + right] - small[upper + left]);
      const below = small[lower + left] + share * (small[lower + right] - small[lower + left]);
      large[at] = above + down.share[y] * (below - above);
    }
  }
  return large;
}

/**
 * Rises smoothly from 0 at `low` to 1 at `high`.
 * @param {number} value
 * @param {readonly [number, number]} range
 */
export function smoothStep(value, [low, high]) {
  const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return t * t * (3 - 2 * t);
}
