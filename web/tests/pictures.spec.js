// Pictures: in by all ways, cut out, changed, brushed, downloaded.
import { readFile, writeFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { alphasOf, done, drop, expect, pick, pixels, remade, scene, test, transfer } from "./server.js";

const CAT = { path: scene("cat.jpg"), name: "cat.jpg", type: "image/jpeg" };
const FOX = { path: scene("fox.jpg"), name: "fox.jpg", type: "image/jpeg" };
const BAD = { bytes: Buffer.from("this is no picture"), name: "broken.jpg", type: "image/jpeg" };
const CORNER = [0.01, 0.01];

/** Alpha of a place, of the true matte of a scene. */
async function trueAlpha(page, name, place) {
  const bytes = (await readFile(scene(name))).toString("base64");
  return page.evaluate(
    async ([address, [x, y]]) => {
      const image = new Image();
      image.src = address;
      await image.decode();
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      return context.getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data[0];
    },
    [`data:image/png;base64,${bytes}`, place],
  );
}

/** A place in the middle of the subject. */
async function inside(page) {
  for (const place of [
    [0.5, 0.5],
    [0.5, 0.6],
    [0.45, 0.55],
    [0.55, 0.5],
    [0.5, 0.4],
  ]) {
    if ((await trueAlpha(page, "cat.alpha.png", place)) === 255) return place;
  }
  throw new Error("the scene has no subject in its middle");
}

test("a dropped picture is shown at once, cut out, and downloaded at full size", async ({ app }) => {
  await app.evaluate(() => {
    window.shift = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shift += entry.value))).observe({
      type: "layout-shift",
      buffered: true,
    });
    addEventListener("drop", () => (window.dropped = performance.now()), true);
    new MutationObserver(() => {
      const image = document.querySelector(".view .before");
      if (image && !window.thumbnail) image.addEventListener("load", () => (window.thumbnail ??= performance.now()));
    }).observe(document.body, { subtree: true, childList: true });
  });
  await drop(app, [CAT]);
  await done(app);
  const [corner, middle] = await pixels(app, [CORNER, await inside(app)]);
  expect(corner[3]).toBe(0);
  expect(middle[3]).toBe(255);
  const { shift, wait } = await app.evaluate(() => ({ shift: window.shift, wait: window.thumbnail - window.dropped }));
  console.log(`thumbnail after ${wait.toFixed(0)} ms, layout shift ${shift.toFixed(4)}`);
  expect(shift).toBeLessThan(0.01);
  const [download] = await Promise.all([
    app.waitForEvent("download"),
    app.getByRole("button", { name: "Download" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("cat-cutout.png");
  const file = await readFile(await download.path());
  const original = await app.evaluate(() => [
    document.querySelector(".before").naturalWidth,
    document.querySelector(".before").naturalHeight,
  ]);
  expect([file.readUInt32BE(16), file.readUInt32BE(20)]).toEqual(original);
});

test("a picture is pasted", async ({ app }) => {
  const clipboardData = await transfer(app, [FOX]);
  await app.evaluate((clipboardData) => dispatchEvent(new ClipboardEvent("paste", { clipboardData })), clipboardData);
  await done(app);
  expect((await pixels(app, [CORNER]))[0][3]).toBe(0);
});

test("backgrounds, shadow and size change what is shown, and undo takes it back", async ({ app }) => {
  await drop(app, [CAT]);
  await done(app);
  const choose = (group, name) => remade(app, () => pick(app, group, name));
  await choose("Background", "Colour");
  expect((await pixels(app, [CORNER]))[0]).toEqual([255, 255, 255, 255]);
  await app.getByRole("button", { name: "Colour #000000" }).click();
  await expect.poll(async () => (await pixels(app, [CORNER]))[0]).toEqual([0, 0, 0, 255]);
  await choose("Background", "Blur");
  const [blurred] = await pixels(app, [CORNER]);
  expect(blurred[3]).toBe(255);
  expect(blurred.slice(0, 3)).not.toEqual([0, 0, 0]);
  await choose("Background", "Gradient");
  const [top, bottom] = await pixels(app, [CORNER, [0.01, 0.99]]);
  expect(top).not.toEqual(bottom);
  await choose("Shadow", "Drop");
  await choose("Size", "Canvas");
  const size = await app.evaluate(() => [
    document.querySelector(".after").naturalWidth,
    document.querySelector(".after").naturalHeight,
  ]);
  expect(size[0]).toBe(size[1]);
  for (let steps = 0; steps < 6; steps += 1) await app.keyboard.press("Control+z");
  await expect.poll(async () => (await pixels(app, [CORNER]))[0][3]).toBe(0);
  await expect(app.getByRole("button", { name: "Undo" })).toBeDisabled();
});

test("a picture behind the subject", async ({ app }, info) => {
  const path = info.outputPath("red.png");
  execFileSync("ffmpeg", ["-loglevel", "error", "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", path]);
  await drop(app, [CAT]);
  await done(app);
  await pick(app, "Background", "Picture");
  await app.getByLabel("Picture behind the subject").setInputFiles(path);
  await expect.poll(async () => (await pixels(app, [CORNER]))[0][0]).toBeGreaterThan(240);
  await expect(app.getByText("red.png", { exact: true })).toBeVisible();
});

test("the brush removes and brings back, undo takes strokes back, and the download has them", async ({ app }) => {
  await drop(app, [CAT]);
  await done(app);
  const place = await inside(app);
  const box = await app.locator(".view").boundingBox();
  const at = [box.x + place[0] * box.width, box.y + place[1] * box.height];
  await app.getByRole("button", { name: "Remove brush" }).click();
  await app.mouse.move(at[0] - 20, at[1]);
  await app.mouse.down();
  await app.mouse.move(at[0] + 20, at[1], { steps: 5 });
  await app.mouse.up();
  await expect.poll(async () => (await pixels(app, [place]))[0][3]).toBe(0);
  await app.getByRole("button", { name: "Keep brush" }).click();
  const corner = [box.x + 0.05 * box.width, box.y + 0.05 * box.height];
  await app.mouse.move(...corner);
  await app.mouse.down();
  await app.mouse.up();
  await expect.poll(async () => (await pixels(app, [[0.05, 0.05]]))[0][3]).toBe(255);
  const [download] = await Promise.all([
    app.waitForEvent("download"),
    app.getByRole("button", { name: "Download" }).click(),
  ]);
  const bytes = await readFile(await download.path());
  const alphas = await alphasOf(app, bytes, [place, [0.05, 0.05], [0.95, 0.05]]);
  expect(alphas).toEqual([0, 255, 0]);
  await app.keyboard.press("Control+z");
  await app.keyboard.press("Control+z");
  await expect.poll(async () => (await pixels(app, [place, [0.05, 0.05]])).map((pixel) => pixel[3])).toEqual([255, 0]);
});

test("many pictures, one of them bad, become a ZIP of the others", async ({ app }, info) => {
  await drop(app, [CAT, FOX, BAD, { ...CAT, name: "cat.jpg" }]);
  await expect(app.locator(".thumbs li")).toHaveCount(4);
  // What was brushed on one of them is part of the ZIP.
  await app.locator(".thumb").first().click();
  await done(app);
  const box = await app.locator(".view").boundingBox();
  await app.getByRole("button", { name: "Keep brush" }).click();
  await app.mouse.click(box.x + 0.05 * box.width, box.y + 0.05 * box.height);
  await expect.poll(async () => (await pixels(app, [[0.05, 0.05]]))[0][3]).toBe(255);
  await app.getByRole("button", { name: "Make all 4 as ZIP" }).click();
  await expect(app.locator('.thumbs li[data-state="succeeded"]')).toHaveCount(3, { timeout: 120_000 });
  await expect(app.locator('.thumbs li[data-state="failed"]')).toHaveCount(1);
  await expect(app.locator(".strip-head")).toContainText("3 of 4 are done; 1 failed");
  await expect(app.getByRole("button", { name: /broken.jpg, failed, .*format/ })).toBeVisible();
  const [download] = await Promise.all([
    app.waitForEvent("download"),
    app.getByRole("button", { name: "Download the ZIP" }).click(),
  ]);
  const unpack =
    "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall(sys.argv[2]); print('\\n'.join(z.namelist()))";
  const names = execFileSync("python3", ["-c", unpack, await download.path(), info.outputDir]);
  expect(names.toString().trim().split("\n")).toEqual(["cat.png", "fox.png", "cat-000004.png"]);
  for (const [name, alpha] of [
    ["cat.png", 255],
    ["cat-000004.png", 0],
  ]) {
    expect(await alphasOf(app, await readFile(join(info.outputDir, name)), [[0.05, 0.05]]), name).toEqual([alpha]);
  }
});

test("a reload loses nothing", async ({ app }) => {
  await drop(app, [CAT, FOX]);
  await done(app);
  await pick(app, "Background", "Colour");
  await expect.poll(async () => (await pixels(app, [CORNER]))[0]).toEqual([255, 255, 255, 255]);
  // Kept a fifth of a second after the last change.
  await app.waitForTimeout(600);
  await app.reload();
  await expect(app.locator(".thumbs li")).toHaveCount(2);
  await expect.poll(async () => (await pixels(app, [CORNER]))[0]).toEqual([255, 255, 255, 255]);
});

test("a file that is no picture says why, and how to go on", async ({ app }) => {
  await drop(app, [BAD]);
  const alert = app.locator(".failure");
  await expect(alert).toContainText("format");
  await expect(alert.locator("p")).not.toBeEmpty();
});

test("the shown call does what the page does", async ({ app, server }, info) => {
  await drop(app, [CAT]);
  await done(app);
  await pick(app, "Background", "Colour");
  await app.getByText("These settings as a call").click();
  const call = (await app.locator(".code code").textContent()).replace("bfx_…", server.key);
  await writeFile(info.outputPath("photo.jpg"), await readFile(CAT.path));
  execFileSync("bash", ["-c", call.replace("curl ", "curl --fail --silent --show-error ")], { cwd: info.outputDir });
  const made = await readFile(join(info.outputDir, "cutout.png"));
  // A white background leaves nothing transparent: a JPEG, whatever its name.
  expect(made.subarray(0, 2).toString("hex")).toBe("ffd8");
});
