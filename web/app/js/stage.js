// Where a picture is looked at: before and after, near and far, and under the brush.

import { element } from "./dom.js";
import { contextOf } from "./matte.js";

/** @typedef {import("./matte.js").Stroke} Stroke */
/** @typedef {import("./matte.js").Matte} Matte */

/** How much of what is removed shows through under the brush. */
const FAINT = 0.3;
/** Times that a picture can be enlarged. */
const NEAREST = 12;

export class Stage {
  /** @param {(stroke: Stroke) => void} stroked */
  constructor(stroked) {
    this.stroked = stroked;
    this.share = 0.5;
    this.zoom = 1;
    this.shift = [0, 0];
    /** @type {"look" | "keep" | "remove"} */
    this.tool = "look";
    this.brush = { radius: 0.03, hardness: 0.7 };
    /** @type {HTMLImageElement | null} */
    this.source = null;
    /** @type {Matte | null} */
    this.matte = null;
    /** @type {[number, number][]} */
    this.line = [];
    this.dividing = false;
    this.comparable = false;
    /** @type {CanvasRenderingContext2D | null} */
    this.mask = null;
    this.cursor = [0.5, 0.5];
    /** @type {Map<number, PointerEvent>} */
    this.pointers = new Map();
    this.before = element("img", { class: "before", alt: "The original picture", draggable: false });
    this.after = element("img", { class: "after", alt: "The picture without its background", draggable: false });
    this.handle = element("div", {
      class: "divider",
      role: "slider",
      tabindex: "0",
      "aria-label": "Compare: how much of the original is shown",
      "aria-valuemin": "0",
      "aria-valuemax": "100",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.moveByKey(event),
    });
    this.canvas = element("canvas", {
      class: "paint",
      tabindex: "0",
      role: "application",
      "aria-label": "Brush. Arrow keys move it, Space paints, square brackets change its size.",
      hidden: true,
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.paintByKey(event),
    });
    this.ring = element("div", { class: "ring", hidden: true });
    this.view = element("div", { class: "view" }, this.before, this.after, this.canvas, this.ring, this.handle);
    this.cover = element(
      "div",
      { class: "cover", hidden: true },
      element("span", { class: "spinner" }),
      element("span", { class: "stage-text" }),
    );
    this.root = element("div", { class: "stage" }, this.view, this.cover);
    this.root.dataset.backdrop = "checker";
    this.root.addEventListener("wheel", (event) => this.zoomByWheel(event), { passive: false });
    this.root.addEventListener("pointerdown", (event) => this.down(event));
    this.root.addEventListener("pointermove", (event) => this.move(event));
    for (const over of /** @type {const} */ (["pointerup", "pointercancel"]))
      this.root.addEventListener(over, (event) => this.up(event));
    this.root.addEventListener("pointerleave", () => this.placeRing(null));
    for (const image of [this.before, this.after]) image.addEventListener("load", () => this.fit());
    new ResizeObserver(() => this.fit()).observe(this.root);
    this.setShare(0.5);
  }

  /**
   * Shows a picture and what was made of it.
   * @param {{ original: string, canShow: boolean, shown: string | null, comparable: boolean, name: string }} what
   */
  show({ original, canShow, shown, comparable, name }) {
    if (canShow && this.before.src !== original) this.before.src = original;
    if (shown && this.after.src !== shown) this.after.src = shown;
    this.before.alt = `${name} as it was`;
    this.after.alt = `${name} without its background`;
    this.root.classList.toggle("has-after", Boolean(shown));
    this.root.classList.toggle("has-before", canShow && (comparable || !shown));
    this.comparable = comparable && canShow && Boolean(shown);
    this.handle.hidden = !this.comparable || this.tool !== "look";
    this.clip();
    this.fit();
  }

  /**
   * Covers the picture with what is waited for; nothing uncovers it.
   * @param {string} text
   */
  wait(text) {
    this.cover.hidden = text === "";
    const label = this.cover.lastElementChild;
    if (label) label.textContent = text;
  }

  /**
   * @param {"look" | "keep" | "remove"} tool
   */
  take(tool) {
    this.tool = tool;
    this.canvas.hidden = tool === "look";
    this.root.classList.toggle("painting", tool !== "look");
    this.handle.hidden = !this.comparable || tool !== "look";
    if (tool === "look") this.ring.hidden = true;
    this.fit();
  }

  /**
   * What the brush works on: the picture as it was, and its matte with all strokes so far.
   * @param {HTMLImageElement} source
   * @param {Matte} matte
   */
  paintOn(source, matte) {
    this.source = source;
    this.matte = matte;
    [this.canvas.width, this.canvas.height] = [matte.width, matte.height];
    this.mask = contextOf(matte.width, matte.height);
    const image = this.mask.createImageData(matte.width, matte.height);
    for (let from = 0, to = 3; from < matte.alpha.length; from += 1, to += 4) image.data[to] = matte.alpha[from];
    this.mask.putImageData(image, 0, 0);
    this.render();
    this.fit();
  }

  /** Draws the picture, strong where it is kept and faint where it is removed. */
  render() {
    const context = this.canvas.getContext("2d");
    if (!context || !this.source || !this.mask) return;
    const { width, height } = this.canvas;
    context.globalAlpha = 1;
    context.globalCompositeOperation = "copy";
    context.drawImage(this.mask.canvas, 0, 0);
    context.globalCompositeOperation = "source-in";
    context.drawImage(this.source, 0, 0, width, height);
    context.globalCompositeOperation = "destination-over";
    context.globalAlpha = FAINT;
    context.drawImage(this.source, 0, 0, width, height);
  }

  /**
   * Draws the newest piece of a line; the exact stroke follows when it is whole.
   * @param {[number, number]} from
   * @param {[number, number]} to
   */
  segment(from, to) {
    if (!this.mask) return;
    const { width, height } = this.canvas;
    const context = this.mask;
    context.globalCompositeOperation = this.tool === "keep" ? "source-over" : "destination-out";
    context.lineCap = "round";
    context.lineWidth = 2 * this.brush.radius * Math.hypot(width, height) * (0.5 + this.brush.hardness / 2);
    context.beginPath();
    context.moveTo(from[0] * width, from[1] * height);
    context.lineTo(to[0] * width + 0.01, to[1] * height);
    context.stroke();
    this.render();
  }

  /** The size of the picture that is shown, in its own pixels. */
  get natural() {
    if (this.tool !== "look" && this.matte) return [this.matte.width, this.matte.height];
    const image = this.after.naturalWidth && this.root.classList.contains("has-after") ? this.after : this.before;
    return [image.naturalWidth || 4, image.naturalHeight || 3];
  }

  /** Fits the picture into the stage, then applies zoom and shift. */
  fit() {
    const [width, height] = this.natural;
    const scale = Math.min((this.root.clientWidth - 32) / width, (this.root.clientHeight - 32) / height);
    Object.assign(this.view.style, { width: `${width * scale}px`, height: `${height * scale}px` });
    this.view.style.transform = `translate(${this.shift[0]}px, ${this.shift[1]}px) scale(${this.zoom})`;
    this.view.style.setProperty("--zoom", String(this.zoom));
    this.root.classList.toggle("near", this.zoom * scale > 2);
  }

  /**
   * Enlarges around a point of the window; around the middle when none is told.
   * @param {number} factor
   * @param {{ clientX: number, clientY: number }} [at]
   */
  enlarge(factor, at) {
    const zoom = Math.min(NEAREST, Math.max(1, this.zoom * factor));
    const box = this.root.getBoundingClientRect();
    const middle = [box.left + box.width / 2, box.top + box.height / 2];
    const from = [(at?.clientX ?? middle[0]) - middle[0], (at?.clientY ?? middle[1]) - middle[1]];
    const change = zoom / this.zoom;
    this.shift = [0, 1].map((axis) => from[axis] - (from[axis] - this.shift[axis]) * change);
    this.zoom = zoom;
    if (zoom === 1) this.shift = [0, 0];
    this.fit();
  }

  /** All of the picture again. */
  reset() {
    this.zoom = 1;
    this.shift = [0, 0];
    this.fit();
  }

  /** @param {WheelEvent} event */
  zoomByWheel(event) {
    event.preventDefault();
    this.enlarge(Math.exp(-event.deltaY / 300), event);
  }

  /** @param {number} share */
  setShare(share) {
    this.share = Math.min(1, Math.max(0, share));
    const percent = Math.round(this.share * 100);
    this.handle.setAttribute("aria-valuenow", String(percent));
    this.handle.setAttribute("aria-valuetext", `${percent} percent original`);
    this.clip();
  }

  clip() {
    const share = this.comparable ? this.share : 0;
    this.handle.style.left = `${this.share * 100}%`;
    this.after.style.clipPath = `inset(0 0 0 ${share * 100}%)`;
    this.before.style.clipPath = this.comparable ? `inset(0 ${(1 - share) * 100}% 0 0)` : "none";
  }

  /** @param {KeyboardEvent} event */
  moveByKey(event) {
    const steps = {
      ArrowLeft: -0.02,
      ArrowDown: -0.02,
      ArrowRight: 0.02,
      ArrowUp: 0.02,
      PageDown: -0.2,
      PageUp: 0.2,
      Home: -1,
      End: 1,
    };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (step === undefined) return;
    event.preventDefault();
    this.setShare(this.share + step);
  }

  /** @param {{ clientX: number, clientY: number }} event */
  place(event) {
    const box = this.view.getBoundingClientRect();
    return /** @type {[number, number]} */ ([
      (event.clientX - box.left) / box.width,
      (event.clientY - box.top) / box.height,
    ]);
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.target instanceof HTMLButtonElement) return;
    this.pointers.set(event.pointerId, event);
    // A pointer that is gone already cannot be captured.
    try {
      this.root.setPointerCapture(event.pointerId);
    } catch {
      return;
    }
    if (this.pointers.size === 2) {
      this.line = [];
      return;
    }
    const pans = event.button === 1 || event.altKey;
    if (this.tool !== "look" && !pans && event.button === 0) {
      this.line = [this.place(event)];
      this.segment(...this.ends());
    } else if (this.tool === "look" && this.comparable && !pans && (this.zoom === 1 || event.target === this.handle)) {
      this.dividing = true;
      this.setShare(this.place(event)[0]);
    }
  }

  /** @returns {[[number, number], [number, number]]} */
  ends() {
    const last = this.line[this.line.length - 1];
    return [this.line.at(-2) ?? last, last];
  }

  /** @param {PointerEvent} event */
  move(event) {
    const earlier = this.pointers.get(event.pointerId);
    if (this.tool !== "look") this.placeRing(event);
    if (!earlier) return;
    this.pointers.set(event.pointerId, event);
    if (this.pointers.size === 2) {
      this.pinch(earlier, event);
    } else if (this.line.length > 0) {
      this.line.push(this.place(event));
      this.segment(...this.ends());
    } else if (this.dividing) {
      this.setShare(this.place(event)[0]);
    } else if (this.zoom > 1) {
      this.shift = [this.shift[0] + event.clientX - earlier.clientX, this.shift[1] + event.clientY - earlier.clientY];
      this.fit();
    }
  }

  /**
   * @param {PointerEvent} earlier
   * @param {PointerEvent} now
   */
  pinch(earlier, now) {
    const other = [...this.pointers.values()].find((event) => event.pointerId !== now.pointerId);
    if (!other) return;
    const apart = (/** @type {PointerEvent} */ event) =>
      Math.hypot(event.clientX - other.clientX, event.clientY - other.clientY);
    const middle = { clientX: (now.clientX + other.clientX) / 2, clientY: (now.clientY + other.clientY) / 2 };
    this.shift = [
      this.shift[0] + (now.clientX - earlier.clientX) / 2,
      this.shift[1] + (now.clientY - earlier.clientY) / 2,
    ];
    this.enlarge(apart(now) / Math.max(1, apart(earlier)), middle);
  }

  /** @param {PointerEvent} event */
  up(event) {
    this.pointers.delete(event.pointerId);
    this.dividing = false;
    this.finishLine();
  }

  finishLine() {
    if (this.line.length === 0 || this.tool === "look") return;
    const stroke = { verdict: this.tool, ...this.brush, points: this.line };
    this.line = [];
    this.stroked(stroke);
  }

  /** @param {{ clientX: number, clientY: number } | null} at */
  placeRing(at) {
    this.ring.hidden = at === null || this.tool === "look";
    if (at) this.cursor = this.place(at);
    this.drawRing();
  }

  drawRing() {
    const [width, height] = this.natural;
    const share = (2 * this.brush.radius * Math.hypot(width, height)) / width;
    Object.assign(this.ring.style, {
      left: `${this.cursor[0] * 100}%`,
      top: `${this.cursor[1] * 100}%`,
      width: `${share * 100}%`,
    });
  }

  /** @param {KeyboardEvent} event */
  paintByKey(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[/** @type {keyof typeof moves} */ (event.key)];
    if (event.key === " ") {
      this.line = [/** @type {[number, number]} */ ([...this.cursor])];
      this.segment(...this.ends());
      this.finishLine();
    } else if (move) {
      const step = event.shiftKey ? 0.05 : 0.01;
      this.cursor = [0, 1].map((axis) => Math.min(1, Math.max(0, this.cursor[axis] + step * move[axis])));
      this.ring.hidden = false;
      this.drawRing();
    } else {
      return;
    }
    event.preventDefault();
  }
}
