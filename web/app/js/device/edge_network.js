// Corrects a matte along its edges by the server's small network, as the server's default does.

import { boxMean, enlarge, shrink, smoothStep } from "./planes.js";
import { refine, softness } from "./refine.js";

/** The numbers are those of core/src/steps/edge_network.rs; a test holds the two to one result. */
const DIAGONAL = 1200;
const AFAR = 50;
const HIDDEN = /** @type {const} */ ([0.02, 0.08]);
const AROUND = 2;
const TILE = 256;
const OVERLAP = 16;
const OPEN = /** @type {const} */ ([0.04, 0.96]);
const CELL = 8;
const LEAST_SHARE = 0.02;
const CHANNELS = 5;
/** Pixels along a cell of what is computed. */
export const MULTIPLE = 16;

/** @typedef {{ width: number, height: number, data: Uint8ClampedArray }} Pixels */
/** @typedef {{ left: number, top: number, width: number, height: number }} Tile */
/** @typedef {{ left: number, top: number, columns: number, rows: number, cells: Uint8Array }} Area in cells of a tile */
/** @typedef {(seen: Float32Array, area: Float32Array, columns: number, rows: number) => Promise<Float32Array>} Network */

/**
 * @param {Pixels} picture
 * @param {Float32Array} matte 0 to 1, as a large network gave it; changed in place
 * @param {Network} network what is to be added, for five channels of cells of 16 × 16 pixels, where the area is 1
 */
export async function correct(picture, matte, network) {
  const block = Math.max(1, Math.ceil(Math.hypot(picture.width, picture.height) / DIAGONAL));
  if (block === 1) {
    if (isSoft(matte, picture)) await look(picture, matte, network);
    return;
  }
  const small = shrunk(picture, matte, block);
  if (!isSoft(small, shrunkSize(picture, block))) return;
  const change = await changeOf(small, (near) => look(smaller(picture, block), near, network));
  add(matte, enlarge(change, shrunkSize(picture, block), picture, block));
}

/**
 * Corrects what is seen from half as near first: whole regions are decided there, and only their edges here.
 * @param {Pixels} picture
 * @param {Float32Array} matte changed in place
 * @param {Network} network
 */
async function look(picture, matte, network) {
  const { width, height } = picture;
  if (Math.hypot(width, height) >= 2 * AFAR) {
    const size = shrunkSize(picture, 2);
    const small = shrunk(picture, matte, 2);
    const change = await changeOf(small, (afar) => look(smaller(picture, 2), afar, network));
    const variances = shrunk(
      picture,
      matte.map((value) => value * value),
      2,
    );
    small.forEach((mean, at) => (variances[at] -= mean * mean));
    boxMean(variances, size.width, size.height, AROUND).forEach((variance, at) => {
      change[at] *= 1 - smoothStep(Math.sqrt(Math.max(0, variance)), HIDDEN);
    });
    add(matte, enlarge(change, size, picture, 2));
  }
  const share = softness(matte, width, height);
  if (share.some((value) => value > 0)) add(matte, await correction(picture, matte, share, network));
}

/** @param {Float32Array} matte @param {{ width: number, height: number }} size */
function isSoft(matte, { width, height }) {
  return softness(matte, width, height).some((value) => value > 0);
}

/** @param {{ width: number, height: number }} size @param {number} block */
function shrunkSize({ width, height }, block) {
  return { width: Math.ceil(width / block), height: Math.ceil(height / block) };
}

/** @param {{ width: number, height: number }} size @param {Float32Array} values @param {number} block */
function shrunk({ width, height }, values, block) {
  return shrink({ width, height, values }, 1, 1, block).values;
}

/**
 * @param {Float32Array} found
 * @param {(matte: Float32Array) => Promise<void>} correctIt in place
 */
async function changeOf(found, correctIt) {
  const corrected = found.slice();
  await correctIt(corrected);
  return corrected.map((value, at) => value - found[at]);
}

/** @param {Float32Array} matte @param {Float32Array} change */
function add(matte, change) {
  change.forEach((value, at) => (matte[at] = Math.min(1, Math.max(0, matte[at] + value))));
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
 * What is to be added to the matte as it was found.
 * @param {Pixels} color
 * @param {Float32Array} seen as it was found
 * @param {Float32Array} share how soft it is: where a network was sure of a crisp edge, it is left that; 0 from here on where
 *   that is hardly anything, or the filtered matte is not open
 * @param {Network} network
 */
async function correction(color, seen, share, network) {
  const { width, height } = color;
  const refined = seen.slice();
  refine(color, refined);
  const { columns, cells } = openIn(refined, width, height);
  for (let at = 0; at < share.length; at += 1) {
    const isOpen = cells[Math.floor(at / width / CELL) * columns + Math.floor((at % width) / CELL)];
    if (!isOpen || share[at] < LEAST_SHARE) share[at] = 0;
  }
  const sums = new Float32Array(width * height);
  const shares = new Float32Array(width * height);
  for (const tile of tilesOf(width, height)) {
    const area = areaIn(share, width, tile);
    if (!area) continue;
    const asked = question(color, seen, refined, tile, area);
    const found = await network(asked, Float32Array.from(area.cells), area.columns, area.rows);
    const [across, down] = [weights(tile.width), weights(tile.height)];
    const [left, top, wide] = [area.left * MULTIPLE, area.top * MULTIPLE, area.columns * MULTIPLE];
    for (let y = top; y < Math.min(tile.height, top + area.rows * MULTIPLE); y += 1) {
      const row = (tile.top + y) * width + tile.left;
      for (let x = left; x < Math.min(tile.width, left + wide); x += 1) {
        const weight = down[y] * across[x];
        sums[row + x] += weight * found[(y - top) * wide + x - left];
        shares[row + x] += weight;
      }
    }
  }
  const change = new Float32Array(width * height);
  for (let at = 0; at < change.length; at += 1) {
    if (share[at] <= 0) continue;
    change[at] = share[at] * (Math.min(1, Math.max(0, refined[at] + sums[at] / shares[at])) - seen[at]);
  }
  return change;
}

/**
 * What the network sees of an area, channel by channel; what is cut off goes on as in a mirror, and outside are zeros.
 * @param {Pixels} color
 * @param {Float32Array} seen
 * @param {Float32Array} refined
 * @param {Tile} tile
 * @param {Area} area
 */
function question({ width, data }, seen, refined, tile, { left, top, columns, rows, cells }) {
  const [wide, high] = [columns * MULTIPLE, rows * MULTIPLE];
  const size = wide * high;
  const values = new Float32Array(size * CHANNELS);
  for (let y = 0, to = 0; y < high; y += 1) {
    const row = (tile.top + mirrored(top * MULTIPLE + y, tile.height)) * width + tile.left;
    for (let x = 0; x < wide; x += 1, to += 1) {
      if (!cells[Math.floor(y / MULTIPLE) * columns + Math.floor(x / MULTIPLE)]) continue;
      const at = row + mirrored(left * MULTIPLE + x, tile.width);
      for (let c = 0; c < 3; c += 1) values[c * size + to] = data[at * 4 + c] / 255 - 0.5;
      values[3 * size + to] = seen[at] - 0.5;
      values[4 * size + to] = refined[at] - 0.5;
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
  return { columns, cells: grown(torn, columns) };
}

/**
 * What of a tile is computed: where something is to be corrected, and a cell around that; nothing where there is nothing.
 * Cut to where it lies and a cell of zeros around it, as far as the tile goes.
 * @param {Float32Array} share
 * @param {number} stride
 * @param {Tile} tile
 * @returns {Area | undefined}
 */
function areaIn(share, stride, { left, top, width, height }) {
  const [columns, rows] = [Math.ceil(width / MULTIPLE), Math.ceil(height / MULTIPLE)];
  const needed = new Uint8Array(columns * rows);
  for (let y = 0; y < height; y += 1) {
    const row = (top + y) * stride + left;
    for (let x = 0; x < width; x += 1) {
      if (share[row + x] > 0) needed[Math.floor(y / MULTIPLE) * columns + Math.floor(x / MULTIPLE)] = 1;
    }
  }
  if (!needed.some((cell) => cell > 0)) return undefined;
  const cells = grown(needed, columns);
  const kept = grown(cells, columns);
  const places = [...kept.keys()].filter((cell) => kept[cell] > 0);
  const across = places.map((cell) => cell % columns);
  const down = places.map((cell) => Math.floor(cell / columns));
  const [first, last] = [Math.min(...across), Math.max(...across) + 1];
  const [above, below] = [Math.min(...down), Math.max(...down) + 1];
  const cut = new Uint8Array((last - first) * (below - above));
  for (let y = above; y < below; y += 1) {
    cut.set(cells.subarray(y * columns + first, y * columns + last), (y - above) * (last - first));
  }
  return { left: first, top: above, columns: last - first, rows: below - above, cells: cut };
}

/**
 * These cells of a grid and those that touch them.
 * @param {Uint8Array} cells
 * @param {number} columns
 */
function grown(cells, columns) {
  const rows = cells.length / columns;
  const more = new Uint8Array(cells.length);
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      if (!cells[y * columns + x]) continue;
      for (let row = Math.max(0, y - 1); row < Math.min(rows, y + 2); row += 1) {
        more.fill(1, row * columns + Math.max(0, x - 1), row * columns + Math.min(columns, x + 2));
      }
    }
  }
  return more;
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
