// Corrects a matte along its edges by the server's small network, as the server's default does.

import { enlarge, shrink } from "./planes.js";
import { refine, softness } from "./refine.js";

/** The numbers are those of core/src/steps/edge_network.rs; a test holds the two to one result. */
const DIAGONAL = 2100;
const TILE = 256;
const OVERLAP = 32;
const OPEN = /** @type {const} */ ([0.04, 0.96]);
const CELL = 8;
const CHANNELS = 5;
const MULTIPLE = 16;

/** @typedef {{ width: number, height: number, data: Uint8ClampedArray }} Pixels */
/** @typedef {{ left: number, top: number, width: number, height: number }} Tile */
/** @typedef {(seen: Float32Array, width: number, height: number) => Promise<Float32Array>} Network */

/**
 * @param {Pixels} picture
 * @param {Float32Array} matte 0 to 1, as a large network gave it; changed in place
 * @param {Network} network what is to be added, for five channels of a tile
 */
export async function correct(picture, matte, network) {
  const { width, height } = picture;
  const block = Math.max(1, Math.ceil(Math.hypot(width, height) / DIAGONAL));
  const color = block === 1 ? picture : smaller(picture, block);
  const seen = block === 1 ? matte.slice() : shrink({ width, height, values: matte }, 1, 1, block).values;
  const refined = seen.slice();
  refine(color, refined);
  await add(color, seen, refined, network);
  matte.set(block === 1 ? refined : enlarge(refined, color, { width, height }, block));
}

/**
 * @param {Pixels} picture
 * @param {number} block
 * @returns {Pixels}
 */
function smaller({ width, height, data }, block) {
  const means = shrink({ width, height, values: data }, 4, 3, block);
  const small = new Uint8ClampedArray(means.width * means.height * 4).fill(255);
  for (let at = 0; at < means.width * means.height; at += 1) {
    for (let c = 0; c < 3; c += 1) small[at * 4 + c] = Math.round(means.values[at * 3 + c]);
  }
  return { width: means.width, height: means.height, data: small };
}

/**
 * Adds to the filtered matte what the network finds, where it is open.
 * @param {Pixels} color
 * @param {Float32Array} seen as it was found
 * @param {Float32Array} refined after the guided filter; changed in place
 * @param {Network} network
 */
async function add(color, seen, refined, network) {
  const { width, height } = color;
  const share = shareOf(seen, refined, width, height);
  const sums = new Float32Array(width * height);
  const shares = new Float32Array(width * height);
  for (const tile of tilesOf(width, height)) {
    if (!isNeeded(share, width, tile)) continue;
    const wide = Math.ceil(tile.width / MULTIPLE) * MULTIPLE;
    const high = Math.ceil(tile.height / MULTIPLE) * MULTIPLE;
    const found = await network(question(color, seen, refined, tile, wide, high), wide, high);
    const [across, down] = [weights(tile.width), weights(tile.height)];
    for (let y = 0; y < tile.height; y += 1) {
      const row = (tile.top + y) * width + tile.left;
      for (let x = 0; x < tile.width; x += 1) {
        const weight = down[y] * across[x];
        sums[row + x] += weight * found[y * wide + x];
        shares[row + x] += weight;
      }
    }
  }
  for (let at = 0; at < refined.length; at += 1) {
    if (share[at] <= 0) continue;
    const corrected = Math.min(1, Math.max(0, refined[at] + sums[at] / shares[at]));
    refined[at] += share[at] * (corrected - refined[at]);
  }
}

/**
 * How much of the correction each pixel takes: where a network was sure of a crisp edge, it is left that.
 * @param {Float32Array} seen
 * @param {Float32Array} refined
 * @param {number} width
 * @param {number} height
 */
function shareOf(seen, refined, width, height) {
  const share = softness(seen, width, height);
  const { columns, cells } = openIn(refined, width, height);
  for (let at = 0; at < share.length; at += 1) {
    if (!cells[Math.floor(at / width / CELL) * columns + Math.floor((at % width) / CELL)]) share[at] = 0;
  }
  return share;
}

/**
 * What the network sees of a tile, channel by channel; what is cut off goes on as in a mirror.
 * @param {Pixels} color
 * @param {Float32Array} seen
 * @param {Float32Array} refined
 * @param {Tile} tile
 * @param {number} wide
 * @param {number} high
 */
function question({ width, data }, seen, refined, tile, wide, high) {
  const area = wide * high;
  const values = new Float32Array(area * CHANNELS);
  for (let y = 0, to = 0; y < high; y += 1) {
    const row = (tile.top + mirrored(y, tile.height)) * width + tile.left;
    for (let x = 0; x < wide; x += 1, to += 1) {
      const at = row + mirrored(x, tile.width);
      for (let c = 0; c < 3; c += 1) values[c * area + to] = data[at * 4 + c] / 255 - 0.5;
      values[3 * area + to] = seen[at] - 0.5;
      values[4 * area + to] = refined[at] - 0.5;
    }
  }
  return values;
}

/**
 * Where a matte is open or next to that, in cells.
 * @param {Float32Array} matte
 * @param {number} width
 * @param {number} height
 */
function openIn(matte, width, height) {
  const [columns, rows] = [Math.ceil(width / CELL), Math.ceil(height / CELL)];
  const torn = new Uint8Array(columns * rows);
  for (let y = 0, at = 0; y < height; y += 1) {
    const row = Math.floor(y / CELL) * columns;
    for (let x = 0; x < width; x += 1, at += 1) {
      if (matte[at] >= OPEN[0] && matte[at] <= OPEN[1]) torn[row + Math.floor(x / CELL)] = 1;
    }
  }
  const cells = new Uint8Array(columns * rows);
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      if (!torn[y * columns + x]) continue;
      for (let row = Math.max(0, y - 1); row < Math.min(rows, y + 2); row += 1) {
        cells.fill(1, row * columns + Math.max(0, x - 1), row * columns + Math.min(columns, x + 2));
      }
    }
  }
  return { columns, cells };
}

/**
 * Whether a tile has something to correct.
 * @param {Float32Array} share
 * @param {number} stride
 * @param {Tile} tile
 */
function isNeeded(share, stride, { left, top, width, height }) {
  for (let row = top; row < top + height; row += 1) {
    const start = row * stride + left;
    if (share.subarray(start, start + width).some((value) => value > 0)) return true;
  }
  return false;
}

/**
 * Squares that cover a picture, the last ones cut off.
 * @param {number} width
 * @param {number} height
 */
function tilesOf(width, height) {
  const step = TILE - OVERLAP;
  const count = (/** @type {number} */ length) => Math.max(1, Math.ceil(Math.max(0, length - OVERLAP) / step));
  /** @type {Tile[]} */
  const tiles = [];
  for (let row = 0; row < count(height); row += 1) {
    for (let column = 0; column < count(width); column += 1) {
      const [left, top] = [column * step, row * step];
      tiles.push({ left, top, width: Math.min(TILE, width - left), height: Math.min(TILE, height - top) });
    }
  }
  return tiles;
}

/** How much each place along a tile's side counts. @param {number} side */
function weights(side) {
  return Float32Array.from({ length: side }, (_, at) => Math.min(1, (Math.min(at, side - 1 - at) + 0.5) / OVERLAP));
}

/**
 * The place within `length` that a place behind its end mirrors.
 * @param {number} at
 * @param {number} length
 */
function mirrored(at, length) {
  const period = Math.max(1, 2 * (length - 1));
  return Math.min(at % period, period - (at % period));
}
