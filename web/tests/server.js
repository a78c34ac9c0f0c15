// A server of its own for each test file, and pages that are signed in.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test as base, expect } from "@playwright/test";

const root = fileURLToPath(new URL("../..", import.meta.url));
const program = process.env.BACKGROUNDFX ?? join(root, "target/debug/backgroundfx");

/** The program, serving a folder of its own. */
export class Server {
  constructor(folder, port, more) {
    Object.assign(this, { folder, port, more, key: null, base: "" });
  }

  static async start(more = []) {
    const server = new Server(await mkdtemp(join(tmpdir(), "backgroundfx-web-")), 0, more);
    await server.run();
    return server;
  }

  /** Starts the process and waits for its first lines. */
  run() {
    const listen = `127.0.0.1:${this.port}`;
    this.process = spawn(program, ["serve", "--listen", listen, "--data", this.folder, ...this.more], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    return new Promise((done, failed) => {
      let text = "";
      this.process.once("error", failed);
      this.process.once("exit", (code) => failed(new Error(`the server ended with ${code}: ${text}`)));
      this.process.stdout.on("data", (data) => {
        text += data;
        this.key ??= /api key: (\S+)/.exec(text)?.[1] ?? null;
        const address = /web app: (http\S+?)\/(#key=\S+)?\n/.exec(text);
        if (!address) return;
        this.base = address[1];
        // The same port after a restart, so that the page finds it again.
        this.port = Number(new URL(this.base).port);
        done(undefined);
      });
    });
  }

  /** Ends the process as a power cut would. */
  async kill() {
    const ended = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGKILL");
    await ended;
  }

  async end() {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The address that the first start prints: whoever opens it is signed in. */
  get door() {
    return `${this.base}/#key=${this.key}`;
  }
}

export const test = base.extend({
  // eslint-disable-next-line no-empty-pattern
  server: [
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.end();
    },
    { scope: "worker" },
  ],
  /** A page that is signed in and empty. Anything it reports as an error fails the test. */
  app: async ({ page, server }, use) => {
    const faults = [];
    page.setDefaultTimeout(20_000);
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => {
      // A refused picture is an answer, not a fault of the page.
      if (message.type() === "error" && !/status of 4|ERR_CONNECTION|ERR_EMPTY|ERR_INCOMPLETE/.test(message.text()))
        faults.push(message.text());
    });
    await page.goto(server.door);
    await expect(page.getByRole("heading", { name: "Remove the background" })).toBeVisible();
    await use(page);
    expect(faults).toEqual([]);
  },
});

export { expect };

/** A rendered scene of the repository. */
export const scene = (name) => join(root, "testdata/scenes", name);

/** Files as the browser drops or pastes them. */
export async function transfer(page, files) {
  const sent = await Promise.all(
    files.map(async ({ path, name, type, bytes }) => ({
      name,
      type,
      base64: (bytes ?? (await readFile(path))).toString("base64"),
    })),
  );
  return page.evaluateHandle((list) => {
    const data = new DataTransfer();
    for (const { name, type, base64 } of list) {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      data.items.add(new File([bytes], name, { type }));
    }
    return data;
  }, sent);
}

/** Drops files onto the page. */
export async function drop(page, files) {
  const dataTransfer = await transfer(page, files);
  for (const kind of ["dragenter", "dragover", "drop"]) await page.dispatchEvent("body", kind, { dataTransfer });
}

/** Waits until the picture that is looked at is done. */
export async function done(page) {
  await expect(page.locator("#status")).toHaveText(/: done$/);
  await expect(page.locator(".stage")).not.toHaveClass(/busy/);
}

/** Pixels of the picture that is shown, of places given as shares of its sides: red, green, blue, alpha. */
export function pixels(page, places, selector = ".view .after") {
  return page.evaluate(
    async ([selector, places]) => {
      const image = document.querySelector(selector);
      // Another picture may have taken its place meanwhile.
      if (
        !(await image.decode().then(
          () => true,
          () => false,
        ))
      )
        return places.map(() => []);
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      return places.map(([x, y]) => [
        ...context.getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data,
      ]);
    },
    [selector, places],
  );
}

/** Chooses one of several, as the group's legend and the choice's text name it. */
export function pick(page, group, name) {
  return page.getByRole("group", { name: group, exact: true }).getByRole("radio", { name, exact: true }).check();
}

/** Alpha, 0 to 255, of places of a picture in a file. */
export function alphasOf(page, bytes, places) {
  return page.evaluate(
    async ([base64, places]) => {
      const bitmap = await createImageBitmap(
        new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))]),
      );
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
      const context = canvas.getContext("2d");
      context.drawImage(bitmap, 0, 0);
      return places.map(
        ([x, y]) => context.getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data[3],
      );
    },
    [bytes.toString("base64"), places],
  );
}

/** Does something that has the picture made anew, and waits until the new one is shown. */
export async function remade(page, act) {
  const shown = () => page.evaluate(() => document.querySelector(".view .after").src);
  const before = await shown();
  await act();
  await expect.poll(shown).not.toBe(before);
  await expect(page.locator(".stage")).not.toHaveClass(/busy/);
}
