// Where the page begins: who is signed in, which page is shown, light or dark.

import { complain, byId, element } from "./dom.js";
import * as clipPage from "./clip.js";
import * as jobsPage from "./jobs.js";
import * as keysPage from "./keys.js";
import * as makePage from "./make.js";
import * as usagePage from "./usage.js";
import * as webhooksPage from "./webhooks.js";
import { begin, end, look, session, signIn } from "./session.js";
import { work } from "./work.js";

/** A page shows itself, and stops with the signal. @typedef {(root: HTMLElement, signal: AbortSignal) => void | Promise<void>} Show */

/** @type {{ path: string, name: string, show: Show, needs: "nothing" | "key" | "manage" }[]} */
const pages = [
  {
    path: "#/",
    name: "Make",
    show: (root, signal) => (work.clip ? clipPage : makePage).show(root, signal),
    needs: "nothing",
  },
  { path: "#/jobs", name: "Jobs", show: jobsPage.show, needs: "key" },
  { path: "#/keys", name: "Keys", show: keysPage.show, needs: "manage" },
  { path: "#/webhooks", name: "Webhooks", show: webhooksPage.show, needs: "manage" },
  { path: "#/usage", name: "Usage", show: usagePage.show, needs: "key" },
];

let leaving = new AbortController();

/** Shows the page that the address names. */
async function show() {
  leaving.abort();
  leaving = new AbortController();
  const path = location.hash.split("?")[0] || "#/";
  const page = pages.find((one) => one.path === path) ?? pages[0];
  if (!page) return;
  navigation(page.path);
  const root = byId("content");
  const { signal } = leaving;
  document.title = page.path === "#/" ? "BackgroundFX" : `${page.name} – BackgroundFX`;
  root.className = "";
  if (!session.account && !(session.anonymous && page.needs === "nothing")) {
    root.replaceChildren(signIn(show));
    return;
  }
  root.replaceChildren();
  try {
    await page.show(root, signal);
  } catch (error) {
    if (!signal.aborted) complain(error);
  }
}

/** @param {string} current */
function navigation(current) {
  const allowed = pages.filter(
    ({ needs }) => needs === "nothing" || (needs === "key" ? session.account : session.mayManage),
  );
  const links = allowed.map(({ path, name }) =>
    element("a", { href: path, "aria-current": path === current && "page" }, name),
  );
  byId("pages").replaceChildren(...links, element("a", { href: "/v1/docs" }, "API"));
  const leave = async () => {
    await end().catch(complain);
    await look().catch(complain);
    show();
  };
  const out = session.account && element("button", { type: "button", class: "plain", onclick: leave }, "Sign out");
  byId("top-end").replaceChildren(theme(), ...(out ? [out] : []));
}

/** A button that changes between the system's colours, light and dark. */
function theme() {
  const kinds = ["auto", "light", "dark"];
  const texts = { auto: "◐", light: "☀", dark: "☾" };
  const current = document.documentElement.dataset.theme ?? "auto";
  const next = kinds[(kinds.indexOf(current) + 1) % 3];
  return element(
    "button",
    {
      type: "button",
      class: "plain",
      "aria-label": `Colours: ${current}. Change to ${next}.`,
      title: `Colours: ${current}`,
      onclick: () => wear(next),
    },
    texts[/** @type {keyof typeof texts} */ (current)],
  );
}

/** @param {string} kind */
function wear(kind) {
  document.documentElement.dataset.theme = kind;
  localStorage.setItem("theme", kind);
  const button = document.querySelector("#top-end button");
  button?.replaceWith(theme());
}

document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "auto";
addEventListener("hashchange", show);
work.addEventListener("change", (event) => {
  // A clip in place of pictures is another page.
  const { detail } = /** @type {CustomEvent} */ (event);
  if (detail === "list" && location.hash.replace("#/", "") === "") {
    const isClip = byId("content").classList.contains("clip-page");
    if (Boolean(work.clip) !== isClip) show();
  }
});
try {
  await Promise.all([begin(), work.restored]);
} catch (error) {
  complain(error);
}
await show();
