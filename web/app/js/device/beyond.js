// What is made on the server only.

/** @typedef {import("../settings.js").Settings} Settings */

/**
 * The first of the settings that only the server can follow, in words; nothing when there is none.
 * @param {Settings} settings
 */
export function beyond(settings) {
  if (settings.preset !== "medium") return settings.preset === "high" ? "Finest hair" : "The quick network";
  if (settings.largest) return "Only the largest subject";
  if (settings.solid) return "Filling holes";
  if (settings.grow !== 0 || settings.feather !== 0) return "Moving or softening the edge";
  if (settings.shadow !== "none") return "A shadow";
  if (settings.frame !== "original") return "Another size";
  if (settings.behind === "blur") return "A blurred background";
  if (settings.format === "avif" || settings.format === "tiff") return settings.format.toUpperCase();
  if (settings.format === "webp" && settings.behind === "none") return "WebP with transparency";
  return "";
}
