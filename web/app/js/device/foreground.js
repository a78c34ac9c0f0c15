// The subject's own colours where it is partly transparent, as the server's library estimates them (Germer, Uelwer, Conrad,
// Harmeling: Fast Multi-Level Foreground Estimation, 2020).

import { between, shrink, smoothStep } from "./planes.js";
import { cornersOf, sharesOf } from "./refine.js";

/** The numbers are those of core/src/steps/foreground.rs; a test holds the two to one result. */
const MOST_CELLS = 2e6;
const REGULARISATION = 1e-5;
const SMALL_SIDE = 32;
const SMALL_PASSES = 10;
const LARGE_PASSES = 2;
const HOLD = 0.1;
const BAND = /** @type {const} */ ([0.004, 0.996]);
const NEARLY = /** @type {const} */ ([0.02, 0.98]);

/**
 * @typedef {object} Level
 * @property {number} width
 * @property {number} height
 * @property {Float32Array} colors three a cell, 0 to 1
 * @property {Float32Array} alpha
 */
/** @typedef {{ width: number, height: number, foreground: Float32Array, background: Float32Array }} Layers */

const unit = (/** @type {number} */ value) => Math.min(1, Math.max(0, value));

/**
 * Replaces the picture's colours by the subject's own wherever the matte is between 0 and 1.
 * @param {{ width: number, height: number, data: Uint8ClampedArray }} picture
 * @param {Float32Array} matte 0 to 1
 */
export function estimate({ width, height, data }, matte) {
  if (!matte.some((alpha) => alpha > BAND[0] && alpha < BAND[1])) return;
  const block = Math.max(1, Math.ceil(Math.sqrt((width * height) / MOST_CELLS)));
  const { width: columns, height: rows, values } = shrink({ width, height, values: data }, 4, 3, block, 1 / 255);
  const alpha = shrink({ width, height, values: matte }, 1, 1, block).values;
  carry({ width, height, data }, matte, solve({ width: columns, height: rows, colors: values, alpha }), block);
}

/**
 * Solves from the coarsest level to the finest, each starting from the one before.
 * @param {Level} finest
 */
function solve(finest) {
  const pyramid = [finest];
  for (let level = finest; Math.max(level.width, level.height) > 1; pyramid.push(level)) level = halved(level);
  /** @type {Layers} */
  let layers = { width: 1, height: 1, foreground: new Float32Array(3), background: new Float32Array(3) };
  for (const level of pyramid.reverse()) {
    layers = startFrom(layers, level);
    const passes = Math.max(level.width, level.height) <= SMALL_SIDE ? SMALL_PASSES : LARGE_PASSES;
    for (let count = 0; count < passes; count += 1) layers = pass(level, layers);
  }
  return layers;
}

/** Means of 2 × 2 cells. @param {Level} level */
function halved({ width, height, colors, alpha }) {
  const [columns, rows] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const half = {
    width: columns,
    height: rows,
    colors: new Float32Array(columns * rows * 3),
    alpha: new Float32Array(columns * rows),
  };
  for (let y = 0, to = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1, to += 1) {
      const [right, below] = [Math.min(2 * x + 1, width - 1), Math.min(2 * y + 1, height - 1)];
      const [top, bottom] = [2 * y * width, below * width];
      const corners = [top + 2 * x, top + right, bottom + 2 * x, bottom + right];
      for (const corner of corners) {
        half.alpha[to] += alpha[corner] / 4;
        for (let c = 0; c < 3; c += 1) half.colors[to * 3 + c] += colors[corner * 3 + c] / 4;
      }
    }
  }
  return half;
}

/**
 * Layers of a level before its first pass: the coarser ones enlarged, and the picture where it is all one of them.
 * @param {Layers} coarser
 * @param {Level} level
 * @returns {Layers}
 */
function startFrom(coarser, { width, height, colors, alpha }) {
  const foreground = new Float32Array(colors.length);
  const background = new Float32Array(colors.length);
  for (let y = 0, at = 0; y < height; y += 1) {
    const row = Math.min(y >> 1, coarser.height - 1) * coarser.width;
    for (let x = 0; x < width; x += 1, at += 1) {
      const parent = (row + Math.min(x >> 1, coarser.width - 1)) * 3;
      const [isForeground, isBackground] = takenFor(alpha[at]);
      for (let c = 0; c < 3; c += 1) {
        const to = at * 3 + c;
        foreground[to] = mixed(coarser.foreground[parent + c], colors[to], isForeground);
        background[to] = mixed(coarser.background[parent + c], colors[to], isBackground);
      }
    }
  }
  return { width, height, foreground, background };
}

/** How much a cell is taken for all foreground, and for all background. @param {number} alpha */
function takenFor(alpha) {
  return [smoothStep(alpha, [NEARLY[1], BAND[1]]), 1 - smoothStep(alpha, [BAND[0], NEARLY[0]])];
}

const mixed = (/** @type {number} */ one, /** @type {number} */ other, /** @type {number} */ share) =>
  one + share * (other - one);

/**
 * Each cell's two colours in closed form given its neighbours' of the pass before (the paper's equation 9). On large levels
 * cells that are all foreground or all background are left as they were enlarged.
 * @param {Level} level
 * @param {Layers} before
 * @returns {Layers}
 */
function pass({ width, height, colors, alpha }, before) {
  const everywhere = Math.max(width, height) <= SMALL_SIDE;
  const foreground = new Float32Array(before.foreground);
  const background = new Float32Array(before.background);
  const neighbours = new Int32Array(4);
  const weights = new Float64Array(4);
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 1) {
      const a = alpha[at];
      if (!everywhere && (a <= BAND[0] || a >= BAND[1])) continue;
      neighbours[0] = x > 0 ? at - 1 : at;
      neighbours[1] = x + 1 < width ? at + 1 : at;
      neighbours[2] = y > 0 ? at - width : at;
      neighbours[3] = y + 1 < height ? at + width : at;
      let total = 0;
      for (let k = 0; k < 4; k += 1) total += weights[k] = REGULARISATION + Math.abs(a - alpha[neighbours[k]]);
      const held = everywhere ? 0 : Math.max(...takenFor(a));
      const rest = 1 - a;
      const [a00, a01, a11] = [a * a + total, a * rest, rest * rest + total];
      const scale = 1 / (a00 * a11 - a01 * a01);
      for (let c = 0; c < 3; c += 1) {
        let [b0, b1] = [a * colors[at * 3 + c], rest * colors[at * 3 + c]];
        for (let k = 0; k < 4; k += 1) {
          b0 += weights[k] * before.foreground[neighbours[k] * 3 + c];
          b1 += weights[k] * before.background[neighbours[k] * 3 + c];
        }
        const to = at * 3 + c;
        foreground[to] = mixed(unit((a11 * b0 - a01 * b1) * scale), before.foreground[to], held);
        background[to] = mixed(unit((a00 * b1 - a01 * b0) * scale), before.background[to], held);
      }
    }
  }
  return { width, height, foreground, background };
}

/**
 * Writes the estimated colours into the picture, in the band only.
 * @param {{ width: number, height: number, data: Uint8ClampedArray }} picture
 * @param {Float32Array} matte
 * @param {Layers} layers
 * @param {number} block
 */
function carry({ width, height, data }, matte, layers, block) {
  const across = between(width, block, layers.width);
  const down = between(height, block, layers.height);
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 1) {
      const a = matte[at];
      if (a <= BAND[0] || a >= BAND[1]) continue;
      const corners = cornersOf(across, x, down, y, layers.width);
      const shares = sharesOf(across.share[x], down.share[y]);
      const rest = 1 - a;
      for (let c = 0; c < 3; c += 1) {
        let [foreground, background] = [0, 0];
        for (let k = 0; k < 4; k += 1) {
          foreground += layers.foreground[corners[k] * 3 + c] * shares[k];
          background += layers.background[corners[k] * 3 + c] * shares[k];
        }
        const unexplained = data[at * 4 + c] / 255 - a * foreground - rest * background;
        data[at * 4 + c] = Math.round(255 * unit(foreground + (a * unexplained) / (a * a + rest * rest + HOLD)));
      }
    }
  }
}
