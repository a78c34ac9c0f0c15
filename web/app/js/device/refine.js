// Makes a matte follow the picture's edges, as the server's default does: a colour guided filter whose radius grows where the
// matte is soft (He, Sun: Fast Guided Filter, 2015).

import { between, boxMean, enlarge, plane, shrink, smoothStep } from "./planes.js";

/** @typedef {import("./planes.js").Plane} Plane */

/** The numbers are those of core/src/steps/refine_edges.rs and guided_filter.rs; a test holds the two to one result. */
const FINE_RADIUS = 0.004;
const CELLS = 4;
const STEP = 4;
const EPSILON = 1e-4;
const VARIES = /** @type {const} */ ([1e-5, 4e-5]);
const ENOUGH = 0.1;
const SOFTNESS = /** @type {const} */ ([0.1, 0.3]);
const EXPLAINED = /** @type {const} */ ([0.2, 0.5]);
const LEVELS = /** @type {const} */ ([0.05, 0.95]);
/** Of refine_edges/tested.rs. */
const SURE = 0.85;
const WRONG = /** @type {const} */ ([0.01, 0.06]);
const FEW = 0.05;
const REACH = 2;

/** Numbers of a cell's model: four of `alpha = a · colour + b`, how much the matte varies there, and how much it explains. */
const NUMBERS = 6;
const [RED, GREEN, BLUE, OFFSET, ACTIVE, TRUST] = [0, 1, 2, 3, 4, 5];

/**
 * @param {{ width: number, height: number, data: Uint8ClampedArray }} picture
 * @param {Float32Array} matte 0 to 1; changed in place
 */
export function refine({ width, height, data }, matte) {
  const radius = FINE_RADIUS * Math.hypot(width, height);
  const block = Math.max(1, Math.round(radius / CELLS));
  const cells = Math.max(1, Math.round(radius / block));
  const guide = shrink({ width, height, values: data }, 4, 3, block, 1 / 255);
  const small = shrink({ width, height, values: matte }, 1, 1, block);
  const fitted = blended(guide, small, cells);
  believeLessWhereWrong(fitted, guide, small, cells);
  apply({ width, height, data }, matte, fitted, block);
}

/**
 * Where a matte as a network gave it is soft: 0 where it is crisp, 1 where it is soft.
 * @param {Float32Array} matte
 * @param {number} width
 * @param {number} height
 */
export function softness(matte, width, height) {
  const diagonal = Math.hypot(width, height);
  const block = Math.max(1, Math.round((2 * FINE_RADIUS * diagonal) / CELLS));
  const small = shrink({ width, height, values: matte }, 1, 1, block);
  const values = small.values.map((alpha) => 4 * alpha * (1 - alpha));
  const radius = Math.round((4 * FINE_RADIUS * diagonal) / block);
  const soft = boxMean(values, small.width, small.height, radius).map((value) => smoothStep(value, SOFTNESS));
  return enlarge(soft, small, { width, height }, block);
}

/**
 * The local models over windows of `radius` cells.
 * @param {Plane} guide
 * @param {Plane} matte
 * @param {number} radius
 * @returns {Plane}
 */
function fit(guide, matte, radius) {
  const { width, height } = matte;
  const [I, p] = [guide.values, matte.values];
  const mean = (/** @type {(at: number) => number} */ value) => {
    const values = new Float32Array(p.length);
    for (let at = 0; at < p.length; at += 1) values[at] = value(at);
    return boxMean(values, width, height, radius);
  };
  const channel = (/** @type {number} */ c) => mean((at) => I[at * 3 + c]);
  const product = (/** @type {number} */ c, /** @type {number} */ d) => mean((at) => I[at * 3 + c] * I[at * 3 + d]);
  const with_p = (/** @type {number} */ c) => mean((at) => I[at * 3 + c] * p[at]);
  const means = [
    ...[channel(0), channel(1), channel(2), mean((at) => p[at])],
    ...[with_p(0), with_p(1), with_p(2)],
    ...[product(0, 0), product(0, 1), product(0, 2), product(1, 1), product(1, 2), product(2, 2)],
    mean((at) => p[at] * p[at]),
  ];
  const models = Array.from({ length: NUMBERS }, () => new Float32Array(p.length));
  const model = new Float64Array(NUMBERS);
  for (let at = 0; at < p.length; at += 1) {
    solve(means, at, model);
    for (let k = 0; k < NUMBERS; k += 1) models[k][at] = model[k];
  }
  const smooth = models.map((values) => boxMean(values, width, height, radius));
  const fitted = plane(width, height, NUMBERS);
  for (let at = 0; at < p.length; at += 1) {
    const to = at * NUMBERS;
    for (let k = 0; k < NUMBERS; k += 1) fitted.values[to + k] = smooth[k][at];
    fitted.values[to + TRUST] /= Math.max(ENOUGH, smooth[ACTIVE][at]);
  }
  return fitted;
}

/**
 * The least-squares model of one window from its means: `a = (Σ + ε)⁻¹ cov(I, p)`, `b = p̄ − a · Ī`.
 * @param {Float32Array[]} means
 * @param {number} at
 * @param {Float64Array} model
 */
function solve(means, at, model) {
  const [r, g, b, p, rp, gp, bp, rr, rg, rb, gg, gb, bb, pp] = means.map((values) => values[at]);
  const [srr, srg, srb] = [rr - r * r + EPSILON, rg - r * g, rb - r * b];
  const [sgg, sgb, sbb] = [gg - g * g + EPSILON, gb - g * b, bb - b * b + EPSILON];
  const [cr, cg, cb] = [rp - r * p, gp - g * p, bp - b * p];
  const [irr, irg, irb] = [sgg * sbb - sgb * sgb, srb * sgb - srg * sbb, srg * sgb - srb * sgg];
  const [igg, igb, ibb] = [srr * sbb - srb * srb, srb * srg - srr * sgb, srr * sgg - srg * srg];
  const determinant = srr * irr + srg * irg + srb * irb;
  model.fill(0);
  if (Math.abs(determinant) < 1e-20) {
    model[OFFSET] = p;
  } else {
    model[RED] = (irr * cr + irg * cg + irb * cb) / determinant;
    model[GREEN] = (irg * cr + igg * cg + igb * cb) / determinant;
    model[BLUE] = (irb * cr + igb * cg + ibb * cb) / determinant;
    model[OFFSET] = p - model[RED] * r - model[GREEN] * g - model[BLUE] * b;
  }
  const variance = pp - p * p;
  if (variance <= VARIES[0]) return;
  const explained = model[RED] * cr + model[GREEN] * cg + model[BLUE] * cb;
  model[ACTIVE] = Math.min(1, (variance - VARIES[0]) / (VARIES[1] - VARIES[0]));
  model[TRUST] = model[ACTIVE] * Math.min(1, Math.max(0, explained / variance));
}

/**
 * The fine model where the matte is crisp, the coarse one where it is soft, on the fine grid.
 * @param {Plane} guide
 * @param {Plane} matte
 * @param {number} radius
 */
function blended(guide, matte, radius) {
  const fine = fit(guide, matte, radius);
  const small = shrink(matte, 1, 1, STEP);
  const coarse = fit(shrink(guide, 3, 3, STEP), small, radius);
  const softness = plane(matte.width, matte.height);
  matte.values.forEach((alpha, at) => (softness.values[at] = 4 * alpha * (1 - alpha)));
  const soft = boxMean(shrink(softness, 1, 1, STEP).values, small.width, small.height, radius);
  const across = between(matte.width, STEP, small.width);
  const down = between(matte.height, STEP, small.height);
  for (let y = 0, at = 0; y < matte.height; y += 1) {
    for (let x = 0; x < matte.width; x += 1, at += NUMBERS) {
      const corners = cornersOf(across, x, down, y, small.width);
      const shares = sharesOf(across.share[x], down.share[y]);
      const mix = (/** @type {(cell: number) => number} */ value) =>
        value(corners[0]) * shares[0] +
        value(corners[1]) * shares[1] +
        value(corners[2]) * shares[2] +
        value(corners[3]) * shares[3];
      const weight = smoothStep(
        mix((cell) => soft[cell]),
        SOFTNESS,
      );
      if (weight <= 0) continue;
      for (let k = RED; k <= OFFSET; k += 1) {
        const wide = mix((cell) => coarse.values[cell * NUMBERS + k]);
        fine.values[at + k] += weight * (wide - fine.values[at + k]);
      }
      if (corners.some((cell) => coarse.values[cell * NUMBERS + ACTIVE] > 0)) fine.values[at + ACTIVE] = 1;
    }
  }
  return fine;
}

/**
 * Lowers what models explain where they contradict what the network is sure of.
 * @param {Plane} fitted
 * @param {Plane} guide
 * @param {Plane} matte
 * @param {number} radius
 */
function believeLessWhereWrong(fitted, guide, matte, radius) {
  const { width, height } = matte;
  const sure = surenessOf(matte);
  const wrong = sure.map((share, at) => {
    const [model, color] = [at * NUMBERS, at * 3];
    let said = fitted.values[model + OFFSET];
    for (let c = 0; c < 3; c += 1) said += fitted.values[model + c] * guide.values[color + c];
    return share * (Math.min(1, Math.max(0, said)) - matte.values[at]) ** 2;
  });
  const around = (/** @type {Float32Array} */ values) => boxMean(values, width, height, REACH * radius);
  const [error, share] = [around(wrong), around(sure)];
  for (let at = 0; at < error.length; at += 1) {
    fitted.values[at * NUMBERS + TRUST] *= 1 - smoothStep(error[at] / (share[at] + FEW), WRONG);
  }
}

/**
 * How sure the network is of each cell and all beside it, 0 to 1.
 * @param {Plane} matte
 */
function surenessOf({ width, height, values }) {
  const sure = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let [least, most] = [1, 0];
      for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row += 1) {
        for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column += 1) {
          const alpha = values[row * width + column];
          [least, most] = [Math.min(least, alpha), Math.max(most, alpha)];
        }
      }
      sure[y * width + x] = Math.min(1, Math.max(0, (Math.max(least, 1 - most) - SURE) / (1 - SURE)));
    }
  }
  return sure;
}

/**
 * The four cells around a place.
 * @param {ReturnType<typeof between>} across
 * @param {number} x
 * @param {ReturnType<typeof between>} down
 * @param {number} y
 * @param {number} width
 */
export function cornersOf(across, x, down, y, width) {
  const [top, bottom] = [down.low[y] * width, down.high[y] * width];
  return [top + across.low[x], top + across.high[x], bottom + across.low[x], bottom + across.high[x]];
}

/**
 * How much of each of them.
 * @param {number} across
 * @param {number} down
 */
export function sharesOf(across, down) {
  return [(1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across];
}

/**
 * Evaluates the models at full resolution in the active cells, and levels everything.
 * @param {{ width: number, height: number, data: Uint8ClampedArray }} picture
 * @param {Float32Array} matte
 * @param {Plane} fitted
 * @param {number} block
 */
function apply({ width, height, data }, matte, fitted, block) {
  const columns = fitted.width;
  const across = between(width, block, columns);
  const down = between(height, block, fitted.height);
  const models = new Float32Array(columns * NUMBERS);
  for (let y = 0, at = 0; y < height; y += 1) {
    // The models of this row, interpolated downwards once for all its pixels.
    const [upper, lower] = [down.low[y] * columns * NUMBERS, down.high[y] * columns * NUMBERS];
    for (let k = 0; k < models.length; k += 1) {
      const [above, below] = [fitted.values[upper + k], fitted.values[lower + k]];
      models[k] = above + down.share[y] * (below - above);
      if (k % NUMBERS === ACTIVE) models[k] = above > 0 || below > 0 ? 1 : 0;
      else if (k % NUMBERS === TRUST) models[k] = smoothStep(models[k], EXPLAINED);
    }
    for (let x = 0; x < width; x += 1, at += 1) {
      const [left, right, share] = [across.low[x] * NUMBERS, across.high[x] * NUMBERS, across.share[x]];
      if (models[left + ACTIVE] || models[right + ACTIVE]) {
        const of = (/** @type {number} */ k) => models[left + k] + share * (models[right + k] - models[left + k]);
        const pixel = at * 4;
        const colored = of(RED) * data[pixel] + of(GREEN) * data[pixel + 1] + of(BLUE) * data[pixel + 2];
        matte[at] += of(TRUST) * (colored / 255 + of(OFFSET) - matte[at]);
      }
      matte[at] = Math.min(1, Math.max(0, (matte[at] - LEVELS[0]) / (LEVELS[1] - LEVELS[0])));
    }
  }
}
