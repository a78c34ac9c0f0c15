// The settings as controls.

import { element } from "./dom.js";
import { canvases } from "./settings.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {(change: Partial<Settings>, group?: string) => void} Change called with what has changed; changes of one group are one step */

/**
 * Choices of which one holds.
 * @template {string} Value
 * @param {string} legend
 * @param {readonly (readonly [Value, string])[]} choices
 * @param {Value} chosen
 * @param {(value: Value) => void} choose
 */
export function choice(legend, choices, chosen, choose) {
  const name = `choice-${legend.toLowerCase().replace(/\W+/g, "-")}`;
  const options = choices.map(([value, text]) =>
    element(
      "label",
      { class: "chip" },
      element("input", { type: "radio", name, value, checked: value === chosen, onchange: () => choose(value) }),
      element("span", {}, text),
    ),
  );
  return element(
    "fieldset",
    { class: "choice" },
    element("legend", {}, legend),
    element("div", { class: "chips" }, ...options),
  );
}

/**
 * A number on a scale, with its value in words.
 * @param {string} text
 * @param {{ value: number, min: number, max: number, step: number, unit?: string }} scale
 * @param {(value: number) => void} changed
 */
export function range(text, { value, min, max, step, unit = "" }, changed) {
  const shown = (/** @type {number} */ number) => `${Number(number.toFixed(2))}${unit}`;
  const output = element("output", {}, shown(value));
  const input = element("input", {
    type: "range",
    min: String(min),
    max: String(max),
    step: String(step),
    value: String(value),
  });
  input.setAttribute("aria-valuetext", shown(value));
  input.addEventListener("input", () => {
    output.textContent = shown(input.valueAsNumber);
    input.setAttribute("aria-valuetext", shown(input.valueAsNumber));
    changed(input.valueAsNumber);
  });
  return element("label", { class: "range" }, element("span", {}, text), output, input);
}

/**
 * A colour: chosen, or typed.
 * @param {string} text
 * @param {string} value
 * @param {(value: string) => void} changed
 */
function color(text, value, changed) {
  const picker = element("input", { type: "color", value, "aria-label": text });
  const typed = element("input", {
    type: "text",
    value,
    class: "hex",
    "aria-label": `${text}, as #rrggbb`,
    maxLength: 7,
    spellcheck: false,
  });
  picker.addEventListener("input", () => {
    typed.value = picker.value;
    changed(picker.value);
  });
  typed.addEventListener("change", () => {
    const long = /^#?([0-9a-f]{6})$/i.exec(typed.value.trim());
    if (long) changed((picker.value = `#${long[1]}`.toLowerCase()));
    typed.value = picker.value;
  });
  return element("div", { class: "color" }, element("span", {}, text), picker, typed);
}

/**
 * A tick.
 * @param {string} text
 * @param {boolean} checked
 * @param {(checked: boolean) => void} changed
 */
function tick(text, checked, changed) {
  const input = element("input", { type: "checkbox", checked, onchange: () => changed(input.checked) });
  return element("label", { class: "tick" }, input, element("span", {}, text));
}

/** Colours that are often asked for. */
const SWATCHES = ["#ffffff", "#f2f2f2", "#000000", "#e8f0fe", "#fde7c8", "#d7f5dd", "#ffd9e0"];

/**
 * @param {Settings} settings
 * @param {Change} change
 */
function background(settings, change) {
  const controls = element("div", { class: "controls" });
  if (settings.behind === "color") {
    const swatches = SWATCHES.map((value) =>
      element("button", {
        type: "button",
        class: "swatch",
        "aria-label": `Colour ${value}`,
        "data-color": value,
        onclick: () => change({ color: value }),
      }),
    );
    for (const swatch of swatches) swatch.style.background = swatch.dataset.color ?? "";
    controls.append(
      element("div", { class: "swatches" }, ...swatches),
      color("Colour", settings.color, (value) => change({ color: value }, "color")),
    );
  }
  if (settings.behind === "gradient") {
    const [from, to] = settings.gradient;
    controls.append(
      color("From", from, (value) => change({ gradient: [value, settings.gradient[1]] }, "from")),
      color("To", to, (value) => change({ gradient: [settings.gradient[0], value] }, "to")),
      range("Direction", { value: settings.angle, min: 0, max: 360, step: 5, unit: "°" }, (angle) =>
        change({ angle }, "angle"),
      ),
    );
  }
  if (settings.behind === "blur") {
    controls.append(
      range("Blur", { value: settings.blur, min: 0.2, max: 5, step: 0.1, unit: " %" }, (blur) =>
        change({ blur }, "blur"),
      ),
    );
  }
  if (settings.behind === "picture") {
    const input = element("input", {
      type: "file",
      accept: "image/*",
      onchange: () => change({ picture: input.files?.[0] ?? settings.picture }),
    });
    const name = settings.picture ? settings.picture.name : "Choose a picture; it is cut to fit.";
    controls.append(
      element("label", { class: "file" }, element("span", {}, "Picture behind the subject"), input),
      element("p", { class: "quiet" }, name),
    );
  }
  const kinds = /** @type {const} */ ([
    ["none", "None"],
    ["color", "Colour"],
    ["gradient", "Gradient"],
    ["picture", "Picture"],
    ["blur", "Blur"],
  ]);
  return [choice("Background", kinds, settings.behind, (behind) => change({ behind })), controls];
}

/**
 * @param {Settings} settings
 * @param {Change} change
 */
function shadow(settings, change) {
  const kinds = /** @type {const} */ ([
    ["none", "None"],
    ["drop", "Drop"],
    ["contact", "Contact"],
    ["cast", "Cast"],
  ]);
  const chosen = choice("Shadow", kinds, settings.shadow, (shadow) => change({ shadow }));
  if (settings.shadow === "none") return [chosen];
  return [
    chosen,
    range("Strength", { value: settings.opacity, min: 0.05, max: 1, step: 0.05 }, (opacity) =>
      change({ opacity }, "opacity"),
    ),
    range("Softness", { value: settings.softness, min: 0.1, max: 4, step: 0.1, unit: " %" }, (softness) =>
      change({ softness }, "softness"),
    ),
  ];
}

/**
 * @param {Settings} settings
 * @param {Change} change
 */
function frame(settings, change) {
  const kinds = /** @type {const} */ ([
    ["original", "As it is"],
    ["crop", "Crop"],
    ["canvas", "Canvas"],
  ]);
  const chosen = choice("Size", kinds, settings.frame, (frame) => change({ frame }));
  if (settings.frame === "crop") {
    return [
      chosen,
      range("Margin", { value: settings.margin, min: 0, max: 40, step: 1, unit: " %" }, (margin) =>
        change({ margin }, "margin"),
      ),
    ];
  }
  if (settings.frame !== "canvas") return [chosen];
  const current = settings.canvas.join("x");
  const known = canvases.map(([text, width, height]) =>
    element("option", { value: `${width}x${height}`, selected: `${width}x${height}` === current }, text),
  );
  const select = element(
    "select",
    { onchange: () => change({ canvas: /** @type {[number, number]} */ (select.value.split("x").map(Number)) }) },
    ...known,
  );
  const side = (/** @type {0 | 1} */ axis, /** @type {string} */ text) => {
    const input = element("input", { type: "number", min: "16", max: "8000", value: String(settings.canvas[axis]) });
    input.addEventListener("change", () => {
      const canvas = /** @type {[number, number]} */ ([...settings.canvas]);
      canvas[axis] = Math.min(8000, Math.max(16, Math.round(input.valueAsNumber) || canvas[axis]));
      change({ canvas });
    });
    return element("label", {}, element("span", {}, text), input);
  };
  return [
    chosen,
    element("label", { class: "stacked" }, element("span", {}, "Canvas"), select),
    element("div", { class: "pair" }, side(0, "Width"), side(1, "Height")),
    range("Subject fills", { value: settings.fill, min: 10, max: 100, step: 1, unit: " %" }, (fill) =>
      change({ fill }, "fill"),
    ),
  ];
}

/**
 * @param {Settings} settings
 * @param {Change} change
 */
function edge(settings, change) {
  const grow = (/** @type {number} */ by) => change({ grow: Math.round((settings.grow + by) * 10) / 10 });
  return [
    element(
      "div",
      { class: "pair", role: "group", "aria-label": "Edge" },
      element("button", { type: "button", onclick: () => grow(-0.5) }, "− Shrink edge"),
      element("button", { type: "button", onclick: () => grow(0.5) }, "+ Grow edge"),
    ),
    element(
      "p",
      { class: "quiet" },
      settings.grow === 0 ? "The edge is where it was found." : `Moved by ${settings.grow} ‰ of the diagonal.`,
    ),
    range("Soften", { value: settings.feather, min: 0, max: 5, step: 0.1, unit: " ‰" }, (feather) =>
      change({ feather }, "feather"),
    ),
    tick("Only the largest subject", settings.largest, (largest) => change({ largest })),
    tick("No holes inside (car windows)", settings.solid, (solid) => change({ solid })),
  ];
}

/**
 * @param {Settings} settings
 * @param {Change} change
 */
function output(settings, change) {
  const kinds = /** @type {const} */ ([
    ["auto", "Automatic"],
    ["png", "PNG"],
    ["jpg", "JPEG"],
    ["webp", "WebP"],
    ["avif", "AVIF"],
    ["tiff", "TIFF"],
  ]);
  const options = kinds.map(([value, text]) => element("option", { value, selected: value === settings.format }, text));
  const select = element(
    "select",
    { onchange: () => change({ format: /** @type {Settings["format"]} */ (select.value) }) },
    ...options,
  );
  const presets = /** @type {const} */ ([
    ["low", "Quick"],
    ["medium", "Good"],
    ["high", "Finest hair"],
  ]);
  const lossy = settings.format === "auto" || settings.format === "jpg" || settings.format === "avif";
  return [
    choice("Care", presets, settings.preset, (preset) => change({ preset })),
    element("label", { class: "stacked" }, element("span", {}, "Format"), select),
    lossy &&
      range("Quality", { value: settings.quality, min: 40, max: 100, step: 1 }, (quality) =>
        change({ quality }, "quality"),
      ),
  ];
}

/**
 * All controls for what settings say.
 * @param {Settings} settings
 * @param {Change} change
 * @param {"picture" | "clip"} kind
 */
export function panel(settings, change, kind) {
  const part = (/** @type {string} */ title, /** @type {any[]} */ ...children) =>
    element("section", { class: "part", "aria-label": title }, ...children);
  if (kind === "clip") return [part("Background", ...background(settings, change))];
  return [
    part("Background", ...background(settings, change)),
    part("Shadow", ...shadow(settings, change)),
    part("Size", ...frame(settings, change)),
    element(
      "details",
      { class: "part", open: settings.grow !== 0 || settings.feather !== 0 || settings.largest || settings.solid },
      element("summary", {}, "Edge"),
      ...edge(settings, change),
    ),
    part("Output", ...output(settings, change)),
  ];
}

/**
 * Puts new controls where the old ones were; the control that had the focus keeps it.
 * @param {HTMLElement} root
 * @param {(Node | string)[]} children
 */
export function replace(root, children) {
  const all = () => /** @type {HTMLElement[]} */ ([...root.querySelectorAll("input, select, button, summary")]);
  const held = document.activeElement instanceof HTMLElement ? all().indexOf(document.activeElement) : -1;
  const key = (/** @type {HTMLElement | undefined} */ control) =>
    control &&
    [
      control.tagName,
      control.getAttribute("aria-label"),
      control instanceof HTMLInputElement && control.type === "radio"
        ? `${control.name} ${control.value}`
        : control.closest("label")?.firstElementChild?.textContent,
      control.textContent,
    ].join("|");
  const wanted = held >= 0 ? key(all()[held]) : undefined;
  const open = root.querySelector("details")?.open;
  root.replaceChildren(...children);
  const details = root.querySelector("details");
  if (details && open) details.open = true;
  if (wanted)
    all()
      .find((control) => key(control) === wanted)
      ?.focus({ preventScroll: true });
}
