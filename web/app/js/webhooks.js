// The page of webhooks.

import { json, send } from "./api.js";
import { announce, complain, element, when } from "./dom.js";
import { secret } from "./keys.js";

/** @param {HTMLElement} root */
export async function show(root) {
  const list = element("ul", { class: "jobs", "aria-label": "Webhooks" });
  const made = element("div", { "aria-live": "polite" });
  const load = async () => {
    const { webhooks } = await json("GET", "/v1/webhooks");
    list.replaceChildren(...webhooks.map((/** @type {any} */ webhook) => row(webhook, load)));
  };
  const address = element("input", { type: "url", required: true, placeholder: "https://shop.example/hook" });
  const create = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    try {
      const webhook = await json("POST", "/v1/webhooks", { json: { url: address.value } });
      made.replaceChildren(
        secret("This secret checks the signatures (Standard Webhooks); it is shown this once.", webhook.secret),
      );
      address.value = "";
      await load();
    } catch (error) {
      complain(error);
    }
  };
  const add = element(
    "form",
    { class: "row", onsubmit: create },
    element("label", { class: "stacked" }, element("span", {}, "Address that is told when jobs end"), address),
    element("button", { class: "primary" }, "Add"),
  );
  root.replaceChildren(element("div", { class: "page" }, element("h1", {}, "Webhooks"), add, made, list));
  await load();
}

/**
 * @param {any} webhook
 * @param {() => Promise<void>} changed
 */
function row(webhook, changed) {
  const remove = () => send("DELETE", `/v1/webhooks/${webhook.id}`).then(changed).catch(complain);
  const told = element("ul", { class: "items" });
  const details = element("details", {}, element("summary", {}, "What it was told"), told);
  const fill = async () => {
    const { deliveries } = await json("GET", `/v1/webhooks/${webhook.id}/deliveries`);
    const again = (/** @type {string} */ id) =>
      send("POST", `/v1/webhooks/${webhook.id}/deliveries/${id}/redeliver`).then(fill).catch(complain);
    const shown = deliveries.map((/** @type {any} */ one) =>
      element(
        "li",
        {},
        element("span", {}, one.event),
        element(
          "span",
          { class: "quiet" },
          `${one.status}, ${one.attempts} tries, ${when(one.created)} ${one.last_answer ?? ""}`,
        ),
        element("button", { type: "button", onclick: () => again(one.id) }, "Tell again"),
      ),
    );
    told.replaceChildren(...(shown.length ? shown : [element("li", { class: "quiet" }, "Nothing yet.")]));
  };
  details.addEventListener("toggle", () => details.open && fill().catch(complain));
  const test = async () => {
    try {
      await send("POST", `/v1/webhooks/${webhook.id}/test`);
      announce("A test is on its way");
      details.open = true;
      await fill();
    } catch (error) {
      complain(error);
    }
  };
  return element(
    "li",
    { class: "card job" },
    element(
      "div",
      { class: "job-head" },
      element("strong", {}, webhook.url),
      element(
        "span",
        { class: "quiet" },
        webhook.disabled ? "ended: it answered 410" : `since ${when(webhook.created)}`,
      ),
    ),
    details,
    element(
      "div",
      { class: "pair" },
      element("button", { type: "button", onclick: test }, "Send a test"),
      element("button", { type: "button", onclick: remove }, "Remove"),
    ),
  );
}
