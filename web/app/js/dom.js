// Makes elements, and tells people what happens.

/**
 * An element with properties, listeners (`onclick`) and attributes (`aria-…`, `data-…`), and children.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, any>} [properties] what is `undefined`, `null` or `false` is left out
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else if (key in made && !key.includes("-")) Object.assign(made, { [key]: value });
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/**
 * The element of the page with this id.
 * @param {string} id
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Says something to those who do not see the page.
 * @param {string} text
 */
export function announce(text) {
  byId("status").textContent = text;
}

/**
 * Shows an error until it is closed.
 * @param {unknown} error
 */
export function complain(error) {
  if (error instanceof DOMException && error.name === "AbortError") return;
  const { message, hint, code } = told(error);
  const close = element("button", { class: "plain", type: "button", "aria-label": "Close this message" }, "✕");
  const toast = element(
    "div",
    { class: "toast", role: "alert" },
    element(
      "div",
      {},
      element("strong", {}, message),
      hint && element("p", {}, hint),
      code && element("code", {}, code),
    ),
    close,
  );
  close.addEventListener("click", () => toast.remove());
  const toasts = byId("toasts");
  while (toasts.childElementCount >= 3) toasts.firstElementChild?.remove();
  toasts.append(toast);
}

/**
 * What an error says to people.
 * @param {unknown} error
 * @returns {{ message: string, hint: string, code: string }}
 */
export function told(error) {
  const text = (/** @type {string} */ name) => {
    const value = /** @type {any} */ (error)?.[name];
    return typeof value === "string" ? value : "";
  };
  return { message: text("message") || String(error), hint: text("hint"), code: text("code") };
}

/**
 * Has the browser save a file.
 * @param {Blob | string} content the file, or its address on this server
 * @param {string} name
 */
export function save(content, name) {
  const address = typeof content === "string" ? content : URL.createObjectURL(content);
  element("a", { href: address, download: name }).click();
  if (typeof content !== "string") setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/**
 * Bytes as people say them.
 * @param {number} bytes
 */
export function size(bytes) {
  const [unit, divisor] = bytes < 1e6 ? ["kB", 1e3] : bytes < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  return `${(bytes / divisor).toFixed(bytes < 1e7 && bytes >= 1e6 ? 1 : 0)} ${unit}`;
}

/**
 * A moment as people of this place write it.
 * @param {string | null | undefined} moment in ISO 8601
 */
export function when(moment) {
  return moment ? new Date(moment).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : "–";
}

/** Where the server is, for people. */
export const where = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname) ? "this machine" : location.host;
