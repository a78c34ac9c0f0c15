// On the device: the network comes to the page, pictures stay there, and the result is the server's.
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { Server, done, drop, expect, pick, scene, test } from "./server.js";

/** A page that is signed in to a server of its own, which is started with `more`. */
async function visit(page, more, use) {
  const server = await Server.start(more);
  try {
    await page.goto(server.door);
    await expect(page.getByRole("heading", { name: "Remove the background" })).toBeVisible();
    await use(server);
  } finally {
    await server.end();
  }
}

/** A scene without losses, which browsers and the server read alike. */
function lossless(name) {
  const options = ["-v", "error", "-i", scene(name), "-f", "image2pipe", "-c:v", "png", "-"];
  const bytes = execFileSync("ffmpeg", options, { maxBuffer: 1e9 });
  return { bytes, name: name.replace(".jpg", ".png"), type: "image/png" };
}

/** Red, green, blue and alpha of a picture. */
function pixelsOf(bytes) {
  const options = { input: bytes, maxBuffer: 1e9 };
  return execFileSync("ffmpeg", ["-v", "error", "-i", "-", "-f", "rawvideo", "-pix_fmt", "rgba", "-"], options);
}

/** How far two pictures are apart, of 255: alpha, and colours as much as they are seen. */
function apart(one, other) {
  expect(one.length).toBe(other.length);
  const far = { alpha: 0, alphaMean: 0, color: 0 };
  for (let at = 0; at < one.length; at += 4) {
    const alpha = Math.abs(one[at + 3] - other[at + 3]);
    far.alpha = Math.max(far.alpha, alpha);
    far.alphaMean += alpha / (one.length / 4);
    for (let c = 0; c < 3; c += 1) {
      const seen = Math.abs(one[at + c] * one[at + 3] - other[at + c] * other[at + 3]) / 255;
      far.color = Math.max(far.color, seen);
    }
  }
  return far;
}

/** What the server makes of it. */
async function served(server, picture, fields = {}) {
  const body = new FormData();
  body.append("image", new Blob([picture.bytes]), picture.name);
  for (const [name, value] of Object.entries({ format: "png", ...fields })) body.append(name, value);
  const headers = { Authorization: `Bearer ${server.key}` };
  const answer = await fetch(`${server.base}/v1/remove`, { method: "POST", body, headers });
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}

async function downloaded(app) {
  const [download] = await Promise.all([
    app.waitForEvent("download", { timeout: 100_000 }),
    app.getByRole("button", { name: "Download" }).click(),
  ]);
  return readFile(await download.path());
}

/** All that the page sends from now on. */
function sent(app) {
  const requests = [];
  app.on("request", (request) => request.method() !== "GET" && requests.push(`${request.method()} ${request.url()}`));
  return requests;
}

async function cutHere(app, picture) {
  await pick(app, "Cut out", "On this device");
  await drop(app, [picture]);
  await expect(app.locator("#status")).toHaveText(/: done$/, { timeout: 100_000 });
}

test("a picture cut out on the device is the server's, and does not leave it", async ({ page }) => {
  test.setTimeout(300_000);
  await visit(page, ["--precision", "fp32"], async (server) => {
    const requests = sent(page);
    const picture = lossless("fox.jpg");
    await cutHere(page, picture);
    await expect(page.locator(".where")).toContainText("do not leave it");
    const plain = await downloaded(page);
    await pick(page, "Background", "Gradient");
    await done(page);
    await page.getByLabel("Format").selectOption("png");
    const composed = await downloaded(page);
    expect(requests).toEqual([]);
    const far = apart(pixelsOf(plain), pixelsOf(await served(server, picture)));
    console.log(`single precision: ${JSON.stringify(far)}`);
    expect(far.alpha).toBeLessThanOrEqual(2);
    expect(far.color).toBeLessThanOrEqual(2);
    const gradient = await served(server, picture, { background: "gradient:#dfe6ff,#8fa2ff,180" });
    const behind = apart(pixelsOf(composed), pixelsOf(gradient));
    console.log(`before a gradient: ${JSON.stringify(behind)}`);
    expect(behind.color).toBeLessThanOrEqual(2);
  });
});

test("so it is in 8 bits; what only the server can do is not sent there unasked", async ({ page }) => {
  test.setTimeout(300_000);
  await visit(page, ["--precision", "int8"], async (server) => {
    const requests = sent(page);
    const picture = lossless("fox.jpg");
    await pick(page, "Cut out", "On this device");
    await drop(page, [picture]);
    await expect(page.locator("#status")).toHaveText("Cutting out …", { timeout: 100_000 });
    await page.getByRole("button", { name: "Cancel" }).click();
    await expect(page.locator(".standing")).toContainText("Cancelled.");
    await page.getByRole("button", { name: "Cut it out" }).click();
    await expect(page.locator("#status")).toHaveText(/: done$/, { timeout: 100_000 });
    await expect(page.locator(".standing")).toHaveText("Cut out on this device.");
    const far = apart(pixelsOf(await downloaded(page)), pixelsOf(await served(server, picture)));
    console.log(`8 bits: ${JSON.stringify(far)}`);
    expect(far.alphaMean).toBeLessThanOrEqual(2.55);
    await pick(page, "Shadow", "Drop");
    await expect(page.getByRole("alert")).toContainText("A shadow is made on the server only.");
    expect(requests).toEqual([]);
    await pick(page, "Cut out", "On the server");
    await done(page);
    expect(requests.some((request) => request.endsWith("/v1/remove"))).toBe(true);
  });
});

test("a server whose model cannot run in a browser offers none, and the page no choice", async ({ page }) => {
  await visit(page, ["--model", "chroma"], async (server) => {
    await expect(page.getByRole("group", { name: "Cut out" })).toHaveCount(0);
    const headers = { Authorization: `Bearer ${server.key}` };
    const answer = await fetch(`${server.base}/v1/device`, { headers });
    expect([answer.status, (await answer.json()).detail]).toEqual([404, "the model chroma cannot run in a browser"]);
    // Who had chosen the device before is not sent to the server for that.
    await page.evaluate(() => localStorage.setItem("place", "device"));
    await page.reload();
    const requests = sent(page);
    await drop(page, [lossless("fox.jpg")]);
    await expect(page.getByRole("alert")).toContainText("Cut out on the server instead.");
    expect(requests).toEqual([]);
    // There is no choice any more once that is made.
    await page.getByRole("radio", { name: "On the server" }).click();
    await expect.poll(() => requests.some((request) => request.endsWith("/v1/remove"))).toBe(true);
    await expect(page.getByRole("group", { name: "Cut out" })).toHaveCount(0);
  });
});
