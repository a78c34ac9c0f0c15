// Who is signed in, and how to.

import { Problem, json, send } from "./api.js";
import { complain, element } from "./dom.js";

/**
 * @typedef {object} Account
 * @property {string} role
 * @property {string} actor
 * @property {{ megapixels_per_minute: number, remaining: number }} rate
 * @property {{ body_megabytes: number, max_megapixels: number, result_hours: number }} limits
 */

/** What is known of the caller. */
export const session = {
  /** @type {Account | null} */
  account: null,
  /** Whether pictures may be cut out by anybody. */
  anonymous: false,
  /** Whether the server gives its network to browsers. */
  onDevice: false,
  get mayManage() {
    return this.account?.role === "owner" || this.account?.role === "admin";
  },
};

/** Signs in by a key behind the # of the address, which the first start prints; then asks who that is. */
export async function begin() {
  const key = /^#key=(.+)$/.exec(location.hash)?.[1];
  if (key) {
    history.replaceState(null, "", "#/");
    await send("POST", "/v1/sessions", { json: { api_key: decodeURIComponent(key) } }).catch(complain);
  }
  const health = await json("GET", "/v1/health");
  session.anonymous = health.anonymous;
  session.onDevice = health.on_device;
  await look();
}

/** Asks the server who is signed in. */
export async function look() {
  try {
    session.account = await json("GET", "/v1/account");
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    session.account = null;
  }
}

/** Signs out. */
export async function end() {
  await send("DELETE", "/v1/sessions");
  session.account = null;
}

/**
 * A page that asks for a key, or an address and a password.
 * @param {() => void} done
 */
export function signIn(done) {
  const key = element("input", {
    type: "password",
    name: "key",
    autocomplete: "off",
    placeholder: "bfx_…",
    required: true,
  });
  const email = element("input", { type: "email", name: "email", autocomplete: "username", required: true });
  const password = element("input", {
    type: "password",
    name: "password",
    autocomplete: "current-password",
    required: true,
  });
  const enter = async (/** @type {SubmitEvent} */ event, /** @type {unknown} */ asked) => {
    event.preventDefault();
    try {
      await send("POST", "/v1/sessions", { json: asked });
      await look();
      done();
    } catch (error) {
      complain(error);
    }
  };
  const byKey = element(
    "form",
    { onsubmit: (/** @type {SubmitEvent} */ event) => enter(event, { api_key: key.value.trim() }) },
    element("label", { class: "stacked" }, element("span", {}, "API key"), key),
    element("p", { class: "quiet" }, "backgroundfx serve prints one at its first start."),
    element("button", { class: "primary" }, "Sign in"),
  );
  const byPassword = element(
    "form",
    { onsubmit: (/** @type {SubmitEvent} */ event) => enter(event, { email: email.value, password: password.value }) },
    element("label", { class: "stacked" }, element("span", {}, "E-mail address"), email),
    element("label", { class: "stacked" }, element("span", {}, "Password"), password),
    element("button", {}, "Sign in"),
  );
  return element(
    "div",
    { class: "sign-in card" },
    element("h1", {}, "Sign in"),
    byKey,
    element("details", {}, element("summary", {}, "With an e-mail address"), byPassword),
  );
}
