// The page of API keys.

import { json, send } from "./api.js";
import { announce, complain, element, when } from "./dom.js";

const ROLES = ["editor", "viewer", "admin", "owner"];
/** What a key can be for, of all that its role may. */
const SCOPES = /** @type {const} */ ([
  ["read", "Look"],
  ["cut", "Cut out"],
  ["write", "Jobs"],
  ["manage", "Manage"],
]);

/** @param {HTMLElement} root */
export async function show(root) {
  const rows = element("tbody");
  const table = element(
    "table",
    {},
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        ...["Name", "Begins with", "Role", "For", "Made", "Last used"].map((text) =>
          element("th", { scope: "col" }, text),
        ),
        element("th", { scope: "col" }, element("span", { class: "hidden" }, "Revoke")),
      ),
    ),
    rows,
  );
  const made = element("div", { "aria-live": "polite" });
  const load = async () => {
    const { keys } = await json("GET", "/v1/keys");
    rows.replaceChildren(...keys.map((/** @type {any} */ key) => row(key, load)));
  };
  const name = element("input", { type: "text", required: true, maxLength: 100, placeholder: "shop" });
  const role = element("select", {}, ...ROLES.map((value) => element("option", { value }, value)));
  const scopes = SCOPES.map(([value, text]) => ({
    value,
    text,
    input: element("input", { type: "checkbox", checked: true }),
  }));
  const create = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    try {
      const key = await json("POST", "/v1/keys", {
        json: {
          name: name.value,
          role: role.value,
          scopes: scopes.filter(({ input }) => input.checked).map(({ value }) => value),
        },
      });
      made.replaceChildren(secret(`The key ${key.name} is shown this once; only its hash is kept.`, key.key));
      name.value = "";
      await load();
    } catch (error) {
      complain(error);
    }
  };
  const add = element(
    "form",
    { class: "row", onsubmit: create },
    element("label", { class: "stacked" }, element("span", {}, "Name"), name),
    element("label", { class: "stacked" }, element("span", {}, "Role"), role),
    element(
      "fieldset",
      { class: "ticks" },
      element("legend", {}, "For"),
      ...scopes.map(({ text, input }) => element("label", { class: "tick" }, input, element("span", {}, text))),
    ),
    element("button", { class: "primary" }, "Make a key"),
  );
  root.replaceChildren(
    element(
      "div",
      { class: "page" },
      element("h1", {}, "API keys"),
      add,
      made,
      element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Keys" }, table),
    ),
  );
  await load();
}

/**
 * @param {any} key
 * @param {() => Promise<void>} changed
 */
function row(key, changed) {
  const revoke = async () => {
    if (!confirm(`Revoke the key ${key.name}? Whoever uses it is turned away from now on.`)) return;
    await send("DELETE", `/v1/keys/${key.id}`).then(changed).catch(complain);
  };
  const cells = [
    key.name,
    element("code", {}, `${key.prefix}…`),
    key.role,
    key.scopes.length === SCOPES.length ? "everything" : key.scopes.join(", "),
    when(key.created),
    when(key.last_used),
    element("button", { type: "button", "aria-label": `Revoke ${key.name}`, onclick: revoke }, "Revoke"),
  ];
  return element("tr", {}, ...cells.map((cell) => element("td", {}, cell)));
}

/**
 * A text that is shown once.
 * @param {string} about
 * @param {string} text
 */
export function secret(about, text) {
  const copy = () => navigator.clipboard.writeText(text).then(() => announce("Copied"), complain);
  return element(
    "div",
    { class: "card secret" },
    element("p", {}, about),
    element("code", {}, text),
    element("button", { type: "button", onclick: copy }, "Copy"),
  );
}
