// The thread that computes: it holds the network, finds mattes and makes pictures of them.

import { compose, pixelsOf } from "./compose.js";
import { MULTIPLE, correct } from "./edge_network.js";
import { refine } from "./refine.js";
import { resizeColors, resizeMatte } from "./resample.js";

/**
 * @typedef {object} Offer what the server says of its network, see `/v1/device`
 * @property {string} model
 * @property {string} precision
 * @property {{ width: number, height: number, mean: number[], std: number[] }} input
 * @property {{ name: string | null, channel: number, activation: "none" | "sigmoid" }} output
 * @property {Record<"script" | "wasm" | "network" | "edge_network", { url: string, bytes: number }>} files
 */

/** @type {{ offer: Offer, runtime: any, session: any, edges: any } | null} */
let loaded = null;

/**
 * @param {Offer} offer
 * @param {(share: number) => void} progress
 */
async function load(offer, progress) {
  if (loaded) return;
  const runtime = await import(offer.files.script.url);
  runtime.env.wasm.wasmPaths = { wasm: offer.files.wasm.url };
  // Several cores are open to pages that hold nothing of others only.
  runtime.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(8, navigator.hardwareConcurrency || 1) : 1;
  const network = await fetched(offer.files.network, progress);
  const small = await fetched(offer.files.edge_network, () => undefined);
  const create = (/** @type {Uint8Array} */ graph) =>
    runtime.InferenceSession.create(graph, { executionProviders: ["wasm"] });
  loaded = { offer, runtime, session: await create(network), edges: await create(small) };
}

/**
 * @param {{ url: string, bytes: number }} file
 * @param {(share: number) => void} progress
 */
async function fetched({ url, bytes }, progress) {
  const answer = await fetch(url);
  if (!answer.ok || !answer.body) throw new Error(`the server gave no network (${answer.status})`);
  const all = new Uint8Array(bytes);
  const reader = answer.body.getReader();
  let have = 0;
  for (let { done, value } = await reader.read(); !done && value; { done, value } = await reader.read()) {
    all.set(value, have);
    have += value.length;
    progress(have / bytes);
  }
  if (have !== bytes) throw new Error("the network broke off on its way");
  return all;
}

/**
 * The matte of a picture, 0 to 255, and how sure it is, 0 to 1.
 * @param {ImageBitmap} bitmap
 */
async function find(bitmap) {
  if (!loaded) throw new Error("the network is not loaded");
  const { offer, runtime, session, edges } = loaded;
  const pixels = pixelsOf(bitmap);
  const input = inputOf(pixels, offer.input);
  const { width, height } = offer.input;
  const tensor = new runtime.Tensor("float32", input, [1, 3, height, width]);
  const made = await session.run({ [session.inputNames[0]]: tensor });
  const output = made[offer.output.name ?? session.outputNames[0]];
  const [down, across] = output.dims.slice(-2);
  const small = output.data.slice(offer.output.channel * down * across, (offer.output.channel + 1) * down * across);
  for (let at = 0; at < small.length; at += 1) {
    const value = offer.output.activation === "sigmoid" ? 1 / (1 + Math.exp(-small[at])) : small[at];
    small[at] = Math.min(1, Math.max(0, value || 0));
  }
  const matte = resizeMatte(small, [across, down], [pixels.width, pixels.height]);
  await correct(pixels, matte, async (seen, area, columns, rows) => {
    const [wide, high] = [columns * MULTIPLE, rows * MULTIPLE];
    const given = {
      seen: new runtime.Tensor("float32", seen, [1, seen.length / (wide * high), high, wide]),
      area: new runtime.Tensor("float32", area, [1, 1, rows, columns]),
    };
    return (await edges.run(given))[edges.outputNames[0]].data;
  });
  refine(pixels, matte);
  const alpha = new Uint8ClampedArray(matte.length);
  let [opaque, decided] = [0, 0];
  for (let at = 0; at < matte.length; at += 1) {
    // What was transparent stays so.
    const value = (matte[at] *= pixels.data[at * 4 + 3] / 255);
    alpha[at] = Math.round(value * 255);
    if (value < 8 / 255) continue;
    opaque += 1;
    decided += Math.abs(2 * value - 1);
  }
  const confidence = opaque > 0 ? decided / opaque : 0;
  return { width: pixels.width, height: pixels.height, alpha, exact: matte, confidence };
}

/**
 * @param {{ width: number, height: number, data: Uint8ClampedArray }} pixels
 * @param {Offer["input"]} input
 */
function inputOf({ width, height, data }, input) {
  const small = resizeColors(data, [width, height], [input.width, input.height]);
  const area = input.width * input.height;
  const values = new Float32Array(area * 3);
  for (let at = 0; at < area; at += 1) {
    for (let c = 0; c < 3; c += 1) values[c * area + at] = (small[at * 3 + c] / 255 - input.mean[c]) / input.std[c];
  }
  return values;
}

/** What can be asked of this thread. @type {Record<string, (asked: any, tell: (share: number) => void) => Promise<unknown>>} */
const answers = {
  load: ({ offer }, tell) => load(offer, tell),
  find: ({ bitmap }) => find(bitmap),
  compose: ({ bitmap, matte, settings, behind }) => compose(bitmap, matte, settings, behind),
};

self.addEventListener("message", async ({ data: { number, what, asked } }) => {
  try {
    const answer = await answers[what](asked, (share) => self.postMessage({ number, share }));
    // Mattes are handed over, not copied.
    const given = Object.values(answer ?? {}).flatMap((value) => (ArrayBuffer.isView(value) ? [value.buffer] : []));
    self.postMessage({ number, answer }, { transfer: given });
  } catch (error) {
    self.postMessage({ number, error: error instanceof Error ? error.message : String(error) });
  }
  for (const given of Object.values(asked)) if (given instanceof ImageBitmap) given.close();
});
