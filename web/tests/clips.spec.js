// Clips: sent in pieces, cut out with progress, played and downloaded; also over a server that dies in between.
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { expect, pick, scene, test } from "./server.js";

/** A clip of a still scene that moves, with sound; `heavy` makes it many megabytes. */
function clip(path, heavy) {
  const seconds = heavy ? "2.5" : "1.2";
  const still = ["-loop", "1", "-framerate", "10", "-t", seconds, "-i", scene("cat.jpg")];
  const sound = ["-f", "lavfi", "-t", seconds, "-i", "sine=440"];
  const filter = heavy ? "scale=640:-2,noise=alls=60:allf=t" : "scale=320:-2";
  const video = heavy ? ["-c:v", "ffv1"] : ["-c:v", "libx264", "-pix_fmt", "yuv420p"];
  execFileSync("ffmpeg", [
    "-loglevel",
    "error",
    "-y",
    ...still,
    ...sound,
    "-vf",
    filter,
    ...video,
    "-c:a",
    "aac",
    "-shortest",
    path,
  ]);
  return path;
}

async function choose(app, path) {
  const [chooser] = await Promise.all([
    app.waitForEvent("filechooser"),
    app.getByRole("button", { name: "Choose files" }).click(),
  ]);
  await chooser.setFiles(path);
}

const streams = (path) =>
  execFileSync("ffprobe", ["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", path])
    .toString()
    .trim()
    .split(/\s+/);

test("a clip gets another background and keeps its sound", async ({ app }, info) => {
  await choose(app, clip(info.outputPath("walk.mp4"), false));
  await pick(app, "Background", "Colour");
  await app.getByRole("button", { name: "Cut out the clip" }).click();
  await expect(app.getByRole("progressbar")).toBeVisible();
  await expect(app.getByRole("button", { name: "Download the clip" })).toBeVisible({ timeout: 150_000 });
  await expect.poll(() => app.evaluate(() => document.querySelector("video").readyState)).toBeGreaterThanOrEqual(2);
  const [download] = await Promise.all([
    app.waitForEvent("download"),
    app.getByRole("button", { name: "Download the clip" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("walk-cutout.mp4");
  expect(streams(await download.path())).toEqual(["h264", "aac"]);
});

test("a server that dies while a file is sent, and comes back, loses nothing", async ({ app, server }, info) => {
  test.setTimeout(300_000);
  const path = clip(info.outputPath("heavy.mkv"), true);
  expect((await readFile(path)).length).toBeGreaterThan(9e6);
  await choose(app, path);
  await pick(app, "Background", "Colour");
  let pieces = 0;
  await app.route("**/v1/uploads/*", async (route) => {
    if (route.request().method() === "PATCH" && ++pieces === 2) {
      await server.kill();
      setTimeout(() => server.run(), 1500);
    }
    await route.continue().catch(() => undefined);
  });
  await app.getByRole("button", { name: "Cut out the clip" }).click();
  await expect(app.getByText(/does not answer; sending goes on/)).toBeVisible();
  await expect(app.getByRole("button", { name: "Download the clip" })).toBeVisible({ timeout: 150_000 });
  expect(pieces).toBeGreaterThan(2);
});

test("a clip that is none says so", async ({ app }, info) => {
  const path = info.outputPath("none.mp4");
  execFileSync("bash", ["-c", `head -c 200000 /dev/urandom > '${path}'`]);
  await choose(app, path);
  await app.getByRole("button", { name: "Cut out the clip" }).click();
  await expect(app.locator(".failure")).toContainText(/Code: video_/, { timeout: 120_000 });
});
