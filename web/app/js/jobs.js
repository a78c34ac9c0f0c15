// The page of jobs: what was made, and what is being made.

import { json, send } from "./api.js";
import { complain, element, save, when } from "./dom.js";

const SIGNS = { queued: "○", running: "◔", succeeded: "●", failed: "✕", cancelled: "–" };

/**
 * @param {HTMLElement} root
 * @param {AbortSignal} signal
 */
export async function show(root, signal) {
  const list = element("ul", { class: "jobs", "aria-label": "Jobs" });
  const more = element("button", { type: "button", hidden: true }, "Show older ones");
  const note = element("p", { class: "quiet" }, "Loading …");
  root.replaceChildren(element("div", { class: "page" }, element("h1", {}, "Jobs"), note, list, more));
  let cursor = "";
  const load = async (/** @type {boolean} */ anew) => {
    const page = await json(
      "GET",
      `/v1/jobs?limit=20${!anew && cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`,
      { signal },
    );
    const rows = page.jobs.map((/** @type {any} */ job) => row(job, () => load(true)));
    if (anew) list.replaceChildren(...rows);
    else list.append(...rows);
    cursor = page.next_cursor ?? "";
    more.hidden = !cursor;
    note.textContent = list.childElementCount
      ? "Results are kept for a time, then deleted."
      : "Nothing yet. Batches and clips show up here; single pictures are not kept by the server.";
    return page.jobs;
  };
  more.addEventListener("click", () => load(false).catch(complain));
  await load(true);
  const timer = setInterval(async () => {
    const unfinished = list.querySelector("[data-status=queued], [data-status=running]");
    // What somebody is reading does not move.
    if (unfinished && !list.contains(document.activeElement)) await load(true).catch(() => undefined);
  }, 2000);
  signal.addEventListener("abort", () => clearInterval(timer));
}

/**
 * @param {any} job
 * @param {() => Promise<unknown>} changed
 */
function row(job, changed) {
  const gone = job.expires && new Date(job.expires) < new Date();
  const ended = ["succeeded", "failed", "cancelled"].includes(job.status);
  const end = async () => {
    await send("DELETE", `/v1/jobs/${job.id}`).catch(complain);
    await changed().catch(complain);
  };
  const items = element("ul", { class: "items" });
  const details = element("details", {}, element("summary", {}, "Items"), items);
  details.addEventListener("toggle", () => details.open && fill(items, job).catch(complain), { once: true });
  const counts = job.counts.failed ? `, ${job.counts.failed} failed` : "";
  return element(
    "li",
    { class: "card job", "data-status": job.status },
    element(
      "div",
      { class: "job-head" },
      element(
        "span",
        { class: `sign ${job.status}`, "aria-hidden": "true" },
        SIGNS[/** @type {keyof typeof SIGNS} */ (job.status)],
      ),
      element("strong", {}, job.name ?? job.id),
      element("span", { class: "quiet" }, `${job.status}${counts} · ${when(job.created)}`),
    ),
    !ended && element("progress", { max: 1, value: job.progress, "aria-label": `Progress of ${job.name ?? job.id}` }),
    details,
    element(
      "div",
      { class: "pair" },
      job.counts.succeeded > 0 &&
        !gone &&
        element(
          "button",
          { type: "button", onclick: () => save(`/v1/jobs/${job.id}/archive`, `${job.id}.zip`) },
          "Download all",
        ),
      element("button", { type: "button", onclick: end }, ended ? "Delete files" : "Cancel"),
    ),
    job.expires &&
      element("p", { class: "quiet" }, gone ? "Its files are deleted." : `Files are kept until ${when(job.expires)}.`),
  );
}

/**
 * @param {HTMLElement} list
 * @param {any} job
 */
async function fill(list, job) {
  const { items } = await json("GET", `/v1/jobs/${job.id}/items?limit=200`);
  const shown = items.map((/** @type {any} */ item) => {
    const picture =
      item.result &&
      item.media_type?.startsWith("image/") &&
      element("img", { src: item.result, alt: "", loading: "lazy" });
    const error = item.error && element("span", { class: "why" }, `${item.error.detail} (${item.error.code})`);
    const link = item.result && element("a", { href: item.result, download: item.name ?? "" }, "Download");
    return element(
      "li",
      {},
      picture,
      element("span", {}, item.name ?? `#${item.number}`),
      element("span", { class: "quiet" }, item.status),
      error,
      link,
    );
  });
  list.replaceChildren(...shown);
}
