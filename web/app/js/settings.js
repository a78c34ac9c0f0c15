// What is to become of pictures: the settings, and the fields of a request that say the same.

/**
 * @typedef {object} Settings
 * @property {"none" | "color" | "gradient" | "picture" | "blur"} behind
 * @property {string} color
 * @property {[string, string]} gradient from, to
 * @property {number} angle of the gradient, in degrees
 * @property {number} blur in percent of the diagonal
 * @property {File | null} picture that goes behind the subject
 * @property {"none" | "drop" | "contact" | "cast"} shadow
 * @property {number} opacity of the shadow, 0 to 1
 * @property {number} softness of the shadow, in percent of the diagonal
 * @property {"original" | "crop" | "canvas"} frame
 * @property {number} margin around the subject where it is cropped, in percent
 * @property {[number, number]} canvas width and height
 * @property {number} fill how much of the canvas the subject fills, in percent
 * @property {number} grow moves the edge outwards, in thousandths of the diagonal
 * @property {number} feather softens the edge, in thousandths of the diagonal
 * @property {boolean} largest whether only the largest piece is kept
 * @property {boolean} solid whether what shines through inside the subject becomes opaque
 * @property {"low" | "medium" | "high"} preset
 * @property {"auto" | "png" | "jpg" | "webp" | "avif" | "tiff"} format
 * @property {number} quality 1 to 100
 */

/** @type {Settings} */
export const defaults = {
  behind: "none",
  color: "#ffffff",
  gradient: ["#dfe6ff", "#8fa2ff"],
  angle: 180,
  blur: 1.5,
  picture: null,
  shadow: "none",
  opacity: 0.5,
  softness: 0.8,
  frame: "original",
  margin: 5,
  canvas: [1080, 1080],
  fill: 85,
  grow: 0,
  feather: 0,
  largest: false,
  solid: false,
  preset: "medium",
  format: "auto",
  quality: 90,
};

/** Canvases that are often asked for. */
export const canvases = /** @type {const} */ ([
  ["Square, 1080 × 1080", 1080, 1080],
  ["Product, 2000 × 2000", 2000, 2000],
  ["Portrait, 1080 × 1350", 1080, 1350],
  ["Story, 1080 × 1920", 1080, 1920],
  ["Landscape, 1920 × 1080", 1920, 1080],
  ["Passport, 413 × 531", 413, 531],
]);

/**
 * The background in the notation of the API; nothing for a picture or for none.
 * @param {Settings} settings
 */
export function notation(settings) {
  switch (settings.behind) {
    case "color":
      return settings.color;
    case "gradient":
      return `gradient:${settings.gradient.join(",")},${settings.angle}`;
    case "blur":
      return `blur:${settings.blur}%`;
    default:
      return "";
  }
}

/**
 * What goes behind the subject, as fields.
 * @param {Settings} settings
 * @returns {Record<string, string | Blob>}
 */
export function behind(settings) {
  if (settings.behind === "picture") return settings.picture ? { background_image: settings.picture } : {};
  const text = notation(settings);
  return text ? { background: text } : {};
}

/**
 * How the matte is made, as options: what takes a network.
 * @param {Settings} settings
 */
export function cutting(settings) {
  return { subject: settings.largest ? { keep_largest: true } : undefined };
}

/**
 * What is done with a matte, as options.
 * @param {Settings} settings
 */
export function finishing(settings) {
  const percent = (/** @type {number} */ thousandths) => (thousandths ? `${thousandths / 10}%` : undefined);
  const shadow = {
    kind: settings.shadow,
    opacity: settings.opacity,
    blur: `${settings.softness}%`,
    offset: settings.shadow === "drop" ? ["0.6%", "0.9%"] : undefined,
  };
  const layout = {
    original: undefined,
    crop: { crop: true, margin: `${settings.margin}%` },
    canvas: { crop: true, canvas: settings.canvas.join("x"), scale: settings.fill / 100 },
  };
  const edges = {
    grow: percent(settings.grow),
    feather: percent(settings.feather),
    solid: settings.solid || undefined,
  };
  return {
    edges: Object.values(edges).some(Boolean) ? edges : undefined,
    shadow: settings.shadow === "none" ? undefined : shadow,
    layout: layout[settings.frame],
  };
}

/**
 * Everything, as the fields of `/v1/remove` and `/v1/jobs`; what is the default is left out.
 * @param {Settings} settings
 * @returns {Record<string, string | Blob>}
 */
export function fields(settings) {
  const options = JSON.stringify({ ...cutting(settings), ...finishing(settings) });
  const fitting = settings.format !== "png" && settings.format !== "tiff" && settings.format !== "webp";
  return {
    ...(settings.preset === "medium" ? {} : { preset: settings.preset }),
    ...behind(settings),
    ...(options === "{}" ? {} : { options }),
    ...(settings.format === "auto" ? {} : { format: settings.format }),
    ...(fitting && settings.quality !== defaults.quality ? { quality: String(settings.quality) } : {}),
  };
}

/**
 * Whether the cut-out is shown as it is: nothing behind it, nothing around it, nothing done to its edge.
 * @param {Settings} settings
 */
export function isPlain(settings) {
  const { edges, shadow, layout } = finishing(settings);
  return !edges && !shadow && !layout && Object.keys(behind(settings)).length === 0;
}
