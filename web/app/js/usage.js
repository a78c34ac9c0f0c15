// The page of usage: what the caller may still send, what is installed, who changed what.

import { json } from "./api.js";
import { element, when } from "./dom.js";
import { session } from "./session.js";

/** @param {HTMLElement} root */
export async function show(root) {
  const [account, { models }, audit] = await Promise.all([
    json("GET", "/v1/account"),
    json("GET", "/v1/models"),
    session.mayManage ? json("GET", "/v1/audit") : { entries: [] },
  ]);
  const { rate, limits } = account;
  const fact = (/** @type {string} */ name, /** @type {string} */ value) => [
    element("dt", {}, name),
    element("dd", {}, value),
  ];
  const facts = element(
    "dl",
    { class: "facts" },
    ...fact("Signed in as", `${account.actor} (${account.role})`),
    ...fact("This minute", `${Math.round(rate.remaining)} of ${rate.megapixels_per_minute} megapixels left`),
    ...fact("A picture may have", `${limits.max_megapixels} megapixels, ${limits.body_megabytes} MB`),
    ...fact("Results are kept", `${limits.result_hours} hours`),
  );
  const meter = element("meter", {
    min: 0,
    max: rate.megapixels_per_minute,
    value: rate.remaining,
    "aria-label": "Megapixels left this minute",
  });
  const installed = models.map((/** @type {any} */ model) =>
    element(
      "li",
      {},
      element("strong", {}, model.name),
      model.default ? " (default)" : "",
      element("span", { class: "quiet" }, ` ${model.about}`),
    ),
  );
  const changes = audit.entries
    .slice(0, 50)
    .map((/** @type {any} */ entry) =>
      element(
        "tr",
        {},
        ...[when(entry.at), entry.actor, entry.action, entry.target].map((text) => element("td", {}, text)),
      ),
    );
  root.replaceChildren(
    element(
      "div",
      { class: "page" },
      element("h1", {}, "Usage"),
      element("div", { class: "card" }, facts, meter),
      element("h2", {}, "Models on this server"),
      element("ul", { class: "plain-list" }, ...installed),
      changes.length > 0 && element("h2", {}, "Who changed what"),
      changes.length > 0 &&
        element(
          "div",
          { class: "scroll", tabindex: "0", role: "region", "aria-label": "Changes" },
          element(
            "table",
            {},
            element(
              "thead",
              {},
              element(
                "tr",
                {},
                ...["When", "Who", "What", "Which"].map((text) => element("th", { scope: "col" }, text)),
              ),
            ),
            element("tbody", {}, ...changes),
          ),
        ),
    ),
  );
}
