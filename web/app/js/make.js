// The page where pictures are cut out.

import { device } from "./device/device.js";
import { announce, complain, element, save, size, where } from "./dom.js";
import { chooser, isClip, listen } from "./intake.js";
import { choice, panel, range, replace } from "./panel.js";
import { ending } from "./picture.js";
import { place } from "./place.js";
import { painted } from "./matte.js";
import { languages } from "./snippet.js";
import { Stage } from "./stage.js";
import { Strip } from "./strip.js";
import { session } from "./session.js";
import { work } from "./work.js";

/** @typedef {import("./picture.js").Picture} Picture */

/** What is said while a picture is on its way. */
const TEXTS = {
  waiting: "Waiting …",
  reading: "Reading …",
  loading: "Fetching the network …",
  cutting: "Cutting out …",
  finishing: "Finishing …",
  done: "",
  failed: "",
  cancelled: "Cancelled.",
};
/** Pause before the server is asked, so that a slider's way asks once. */
const CALM = 150;
/** Pictures that are cut out before anybody looks at them. */
const AHEAD = 40;

/**
 * @param {HTMLElement} root
 * @param {AbortSignal} signal
 */
export function show(root, signal) {
  const page = new MakePage(root, signal);
  page.render();
  page.refresh();
}

/** Takes pictures and clips from anywhere. @param {File[]} files */
export function take(files) {
  const clips = files.filter(isClip);
  const pictures = files.filter((file) => !isClip(file));
  if (pictures.length > 0) work.add(pictures);
  else if (clips[0]) work.open(clips[0]);
  const left = pictures.length > 0 ? clips.length : clips.length - 1;
  if (left > 0)
    complain({
      message: `${left} clip${left > 1 ? "s were" : " was"} left out.`,
      hint: "Drop one clip at a time, without pictures.",
    });
}

/** Has the browser fetch a picture from another site, which that site must allow. @param {string} address */
export async function takeAddress(address) {
  complain({
    message: "Addresses of other sites are not fetched by this page.",
    hint: `Save the picture and drop the file, or send the address to the API as image_url: ${address}`,
  });
}

class MakePage {
  /**
   * @param {HTMLElement} root
   * @param {AbortSignal} signal
   */
  constructor(root, signal) {
    this.root = root;
    this.signal = signal;
    this.stage = new Stage((stroke) => work.stroke(stroke));
    this.strip = new Strip(signal);
    this.running = new AbortController();
    this.timer = 0;
    this.code = "curl";
    this.tools = element("div", { class: "tools", role: "toolbar", "aria-label": "View and brush" });
    this.brush = element("div", { class: "brush", role: "group", "aria-label": "Brush", hidden: true });
    this.panel = element("div", { class: "panel-settings" });
    this.actions = element("div", { class: "panel-actions" });
    /** @type {HTMLElement | null} */
    this.layout = null;
    listen(take, takeAddress, signal);
    work.addEventListener("change", (event) => this.changed(/** @type {CustomEvent} */ (event).detail), { signal });
    place.addEventListener("change", () => this.moved(), { signal });
    addEventListener("keydown", (event) => this.key(event), { signal });
    signal.addEventListener("abort", () => {
      this.running.abort();
      clearTimeout(this.timer);
    });
  }

  /** @param {"list" | "settings" | "strokes" | "batch"} what */
  changed(what) {
    if (what === "batch") return;
    if (what === "list") this.stage.reset();
    if (what === "list" && Boolean(this.layout) !== work.pictures.length > 0) this.render();
    else this.update(what);
    this.refresh();
  }

  /** Pictures are cut out somewhere else from now on. */
  moved() {
    if (this.layout) this.update("settings");
    else this.render();
    this.refresh();
  }

  /** Builds the page anew: empty, or with a picture. */
  render() {
    this.root.className = work.pictures.length ? "make-page" : "empty-page";
    this.layout = null;
    if (work.pictures.length === 0) {
      this.root.replaceChildren(empty());
      return;
    }
    this.layout = element(
      "div",
      { class: "workbench" },
      element("h1", { class: "hidden" }, "Remove the background"),
      element(
        "div",
        { class: "left" },
        element("div", { class: "tools-around" }, this.tools, this.brush),
        this.stage.root,
        this.strip.root,
      ),
      element("aside", { class: "panel", "aria-label": "Settings" }, this.panel, this.actions),
    );
    this.root.replaceChildren(this.layout);
    this.update("list");
  }

  /** @param {"list" | "settings" | "strokes"} what */
  update(what) {
    if (!this.layout) return;
    if (what !== "strokes")
      replace(this.panel, [
        ...panel(work.settings, (change, group) => work.change(change, group), "picture"),
        ...places(),
        this.snippet(),
      ]);
    replace(this.tools, this.toolbar());
    replace(this.actions, this.buttons());
    this.strip.update();
    this.showPicture();
  }

  toolbar() {
    const { stage } = this;
    const tool = (
      /** @type {"look" | "keep" | "remove"} */ name,
      /** @type {string} */ text,
      /** @type {string} */ key,
    ) =>
      element(
        "button",
        {
          type: "button",
          "aria-pressed": String(stage.tool === name),
          title: `${text} (${key})`,
          disabled: name !== "look" && !this.canPaint,
          onclick: () => this.useTool(name),
        },
        text,
      );
    const step = (
      /** @type {string} */ text,
      /** @type {string} */ sign,
      /** @type {boolean} */ can,
      /** @type {() => void} */ act,
    ) =>
      element(
        "button",
        { type: "button", class: "icon", "aria-label": text, title: text, disabled: !can, onclick: act },
        sign,
      );
    const hold = element("button", { type: "button", title: "Hold to see the original" }, "Original");
    const peek = (/** @type {boolean} */ on) => stage.root.classList.toggle("peek", on);
    hold.addEventListener("pointerdown", () => peek(true));
    for (const over of ["pointerup", "pointerleave", "blur"]) hold.addEventListener(over, () => peek(false));
    hold.addEventListener("keydown", (event) => (event.key === " " || event.key === "Enter") && peek(true));
    hold.addEventListener("keyup", () => peek(false));
    const backdrops = ["checker", "white", "black", "magenta"].map((name) =>
      element("button", {
        type: "button",
        class: `backdrop ${name}`,
        "aria-label": `Show before ${name}`,
        title: `Before ${name}`,
        "aria-pressed": String(stage.root.dataset.backdrop === name),
        onclick: () => this.backdrop(name),
      }),
    );
    const group = (/** @type {string} */ label, /** @type {Node[]} */ ...children) =>
      element("div", { class: "group", role: "group", "aria-label": label }, ...children);
    return [
      group("Tool", tool("look", "Compare", "V"), tool("keep", "Keep brush", "K"), tool("remove", "Remove brush", "R")),
      group(
        "History",
        step("Undo", "↶", work.steps.canUndo, () => work.undo()),
        step("Redo", "↷", work.steps.canRedo, () => work.redo()),
      ),
      group(
        "Zoom",
        step("Smaller", "−", true, () => stage.enlarge(1 / 1.5)),
        step("All of it", "⤢", true, () => stage.reset()),
        step("Larger", "+", true, () => stage.enlarge(1.5)),
      ),
      group("Behind", ...backdrops),
      group("Original", hold),
    ];
  }

  /** The brush's controls, where there is one. */
  brushes() {
    const { brush } = this.stage;
    this.brush.hidden = this.stage.tool === "look";
    this.brush.replaceChildren(
      range("Brush", { value: brush.radius * 100, min: 0.3, max: 15, step: 0.1, unit: " %" }, (value) =>
        this.setBrush({ radius: value / 100 }),
      ),
      range("Hardness", { value: brush.hardness, min: 0, max: 1, step: 0.05 }, (value) =>
        this.setBrush({ hardness: value }),
      ),
    );
  }

  /** @param {Partial<Stage["brush"]>} change */
  setBrush(change) {
    Object.assign(this.stage.brush, change);
    this.stage.drawRing();
  }

  /** @param {number} factor */
  scaleBrush(factor) {
    this.setBrush({ radius: Math.min(0.15, Math.max(0.003, this.stage.brush.radius * factor)) });
    this.brushes();
  }

  get canPaint() {
    return Boolean(work.picture?.cut && work.picture.canShow);
  }

  /** @param {"look" | "keep" | "remove"} name */
  useTool(name) {
    if (name !== "look" && !this.canPaint) return;
    this.stage.take(name);
    this.brushes();
    replace(this.tools, this.toolbar());
    this.showPicture();
    announce({ look: "Compare", keep: "Brush keeps", remove: "Brush removes" }[name]);
  }

  /** @param {string} name */
  backdrop(name) {
    this.stage.root.dataset.backdrop = name;
    replace(this.tools, this.toolbar());
  }

  showPicture() {
    const { picture } = work;
    if (!picture) return;
    const comparable = work.settings.frame === "original";
    this.stage.show({
      original: picture.original,
      canShow: picture.canShow,
      shown: picture.shown,
      comparable,
      name: picture.file.name,
    });
    this.stage.wait(picture.shown ? "" : said(picture));
    this.stage.root.classList.toggle(
      "busy",
      Boolean(picture.shown) && !["done", "failed", "cancelled"].includes(picture.state),
    );
    if (this.stage.tool !== "look" && picture.cut)
      this.stage.paintOn(this.stage.before, painted(picture.cut.matte, work.strokesOf(picture)));
  }

  /** @returns {Node[]} */
  buttons() {
    const { picture } = work;
    if (!picture) return [];
    const failed = picture.state === "failed" ? /** @type {any} */ (picture.error) : null;
    const many = work.pictures.length > 1;
    const note =
      picture.doubt ||
      (picture.canShow ? "" : "This browser cannot show the original of this kind of file; the cut-out is complete.");
    return [
      failed &&
        element(
          "div",
          { class: "failure", role: "alert" },
          element("strong", {}, failed.message ?? "It did not work."),
          element("p", {}, failed.hint ?? ""),
          element("button", { type: "button", onclick: () => this.refresh() }, "Try again"),
        ),
      note && element("p", { class: "quiet" }, note),
      !failed && this.standing(picture),
      element(
        "button",
        { type: "button", class: "primary wide", disabled: !picture.cut, onclick: () => this.download(picture) },
        many ? "Download this picture" : "Download",
      ),
      many && place.onDevice && this.offerAll(),
      many && !place.onDevice && session.account && this.strip.offer(),
      element(
        "div",
        { class: "pair" },
        element("button", { type: "button", disabled: !picture.cut, onclick: () => this.copy(picture) }, "Copy"),
        chooser("Add files", take, ""),
      ),
      element("p", { class: "quiet where" }, `${picture.file.name}, ${size(picture.file.size)}. ${place.told}`),
    ].filter((child) => child instanceof Node);
  }

  /** How a picture stands, and what can be done about it; always as high, so that nothing moves. @param {Picture} picture */
  standing(picture) {
    const button = (/** @type {string} */ text, /** @type {() => void} */ act) =>
      element("button", { type: "button", onclick: act }, text);
    const { state, cut } = picture;
    const text = state === "done" && cut ? `Cut out on ${cut.onDevice ? "this device" : where}.` : said(picture);
    const act =
      state === "cancelled"
        ? button("Cut it out", () => this.refresh())
        : state !== "done" && button("Cancel", () => this.cancel(picture));
    return element("div", { class: "standing" }, element("span", {}, text), ...(act ? [act] : []));
  }

  /** The button that makes all of them here, one after the other. */
  offerAll() {
    const all = async () => {
      for (const picture of [...work.pictures]) {
        if (this.signal.aborted) return;
        await this.whole(picture, (blob) => save(blob, `${picture.stem}-cutout.${ending(blob)}`));
      }
    };
    return element("button", { type: "button", class: "wide", onclick: all }, `Download all ${work.pictures.length}`);
  }

  snippet() {
    const code = element("code", {});
    const write = () => {
      const language = languages.find(([name]) => name === this.code) ?? languages[0];
      code.textContent = language[1](work.settings, location.origin);
    };
    const select = element(
      "select",
      { "aria-label": "Language", onchange: () => ((this.code = select.value), write()) },
      ...languages.map(([name]) => element("option", { value: name, selected: name === this.code }, name)),
    );
    const copy = element(
      "button",
      {
        type: "button",
        onclick: () => navigator.clipboard.writeText(code.textContent ?? "").then(() => announce("Copied"), complain),
      },
      "Copy the call",
    );
    write();
    const pre = element("pre", { tabindex: "0", "aria-label": "The call" }, code);
    return element(
      "details",
      { class: "part code" },
      element("summary", {}, "These settings as a call"),
      element("div", { class: "pair" }, select, copy),
      pre,
    );
  }

  /** Has the server make what is looked at, then others ahead. */
  refresh() {
    clearTimeout(this.timer);
    this.running.abort();
    this.running = new AbortController();
    const { signal } = this.running;
    const { picture } = work;
    if (!picture) return;
    this.timer = window.setTimeout(() => this.run(picture, signal), picture.cut ? CALM : 0);
  }

  /**
   * @param {Picture} picture
   * @param {AbortSignal} signal
   */
  async run(picture, signal) {
    await picture.make(work.settings, work.strokesOf(picture), signal, () => this.told(picture));
    for (const other of work.pictures.slice(0, AHEAD)) {
      if (signal.aborted) return;
      if (other !== picture && !other.cut && other.state !== "failed") {
        await other.make(work.settings, work.strokesOf(other), signal, () => this.strip.update());
      }
    }
  }

  /** Stops what is under way. @param {Picture} picture */
  cancel(picture) {
    this.running.abort();
    if (place.onDevice) device.cancel();
    picture.state = "cancelled";
    this.told(picture);
  }

  /** @param {Picture} picture */
  told(picture) {
    this.strip.update();
    if (picture !== work.picture || !this.layout) return;
    replace(this.actions, this.buttons());
    replace(this.tools, this.toolbar());
    this.showPicture();
    if (picture.state === "done") announce(`${picture.file.name}: done`);
    else if (picture.state === "failed") announce("");
    else announce(said(picture));
  }

  /** @param {Picture} picture */
  async download(picture) {
    await this.whole(picture, (blob) => save(blob, `${picture.stem}-cutout.${ending(blob)}`));
  }

  /** @param {Picture} picture */
  async copy(picture) {
    // Browsers take a promise here, so that the click still counts when the picture is there.
    const png = picture.full({ ...work.settings, format: "png" }, work.strokesOf(picture), this.signal);
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]).then(() => announce("Copied"), complain);
  }

  /**
   * @param {Picture} picture
   * @param {(blob: Blob) => void} use
   */
  async whole(picture, use) {
    const button = this.actions.querySelector(".primary");
    button?.setAttribute("aria-busy", "true");
    announce("Making it at full size …");
    try {
      use(await picture.full(work.settings, work.strokesOf(picture), this.signal));
      announce("Downloaded");
    } catch (error) {
      complain(error);
    }
    button?.removeAttribute("aria-busy");
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const typing =
      event.target instanceof HTMLInputElement && !["range", "radio", "checkbox"].includes(event.target.type);
    if (typing || event.target instanceof HTMLTextAreaElement || !work.picture) return;
    const command = event.ctrlKey || event.metaKey;
    const { stage } = this;
    /** @type {Record<string, () => void>} */
    const plain = {
      v: () => this.useTool("look"),
      k: () => this.useTool("keep"),
      r: () => this.useTool("remove"),
      "[": () => this.scaleBrush(1 / 1.2),
      "]": () => this.scaleBrush(1.2),
      "+": () => stage.enlarge(1.5),
      "-": () => stage.enlarge(1 / 1.5),
      0: () => stage.reset(),
    };
    /** @type {Record<string, () => void>} */
    const commands = { z: () => (event.shiftKey ? work.redo() : work.undo()), y: () => work.redo() };
    const act = (command ? commands : plain)[event.key.toLowerCase()];
    if (!act || event.altKey) return;
    event.preventDefault();
    act();
  }
}

/** What is said of a picture on its way. @param {Picture} picture */
function said(picture) {
  if (picture.state !== "loading") return TEXTS[picture.state];
  return `Fetching the network: ${Math.round(device.share * 100)} %`;
}

/** The choice where pictures are cut out, where there is one. */
function places() {
  if (!place.isOpen) return [];
  const kinds = /** @type {const} */ ([
    ["server", "On the server"],
    ["device", "On this device"],
  ]);
  const chosen = choice("Cut out", kinds, place.onDevice ? "device" : "server", (value) => place.choose(value));
  return [element("section", { class: "part", "aria-label": "Place" }, chosen)];
}

/** The page before anything was dropped. */
function empty() {
  return element(
    "div",
    { class: "drop-zone" },
    element("h1", {}, "Remove the background"),
    element("p", {}, "Drop pictures or a clip anywhere on this page, paste one, or choose files."),
    chooser("Choose files", take),
    element("p", { class: "quiet" }, `JPEG, PNG, WebP, AVIF, TIFF, GIF, BMP; MP4, MOV, WebM, MKV. ${place.told}`),
    ...places(),
  );
}
