// For everyone: by keyboard alone, on a phone, in the dark, for screen readers; and the pages around.
import AxeBuilder from "@axe-core/playwright";
import { done, drop, expect, pick, pixels, remade, scene, test } from "./server.js";

const CAT = { path: scene("cat.jpg"), name: "cat.jpg", type: "image/jpeg" };
const FOX = { path: scene("fox.jpg"), name: "fox.jpg", type: "image/jpeg" };

async function accessible(page) {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join("; ")}`),
  ).toEqual([]);
}

/** Presses Tab until the element with this role and name has the focus. */
async function tabTo(page, name) {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press("Tab");
    const text = await page.evaluate(() => {
      const element = document.activeElement;
      return (
        element?.getAttribute("aria-label") || element?.closest("label")?.textContent || element?.textContent || ""
      );
    });
    if (text.startsWith(name)) return;
  }
  throw new Error(`Tab does not lead to ${name}`);
}

test("everything works by keyboard alone", async ({ app }) => {
  // Asked for early: the browser needs a moment before it hands its dialog over.
  const opened = app.waitForEvent("filechooser");
  await tabTo(app, "Choose files");
  await app.keyboard.press("Enter");
  const chooser = await opened;
  await chooser.setFiles(CAT.path);
  await done(app);
  await tabTo(app, "Compare: how much");
  await app.keyboard.press("End");
  await expect(app.getByRole("slider", { name: /Compare/ })).toHaveAttribute("aria-valuenow", "100");
  await app.keyboard.press("Home");
  await tabTo(app, "None");
  await app.keyboard.press("ArrowRight");
  await expect.poll(async () => (await pixels(app, [[0.01, 0.01]]))[0]).toEqual([255, 255, 255, 255]);
  await app.keyboard.press("ArrowLeft");
  await expect.poll(async () => (await pixels(app, [[0.01, 0.01]]))[0][3]).toBe(0);
  await app.keyboard.press("k");
  await app.locator("canvas.paint").focus();
  for (let steps = 0; steps < 9; steps += 1) await app.keyboard.press("Shift+ArrowUp");
  for (let steps = 0; steps < 9; steps += 1) await app.keyboard.press("Shift+ArrowLeft");
  await app.keyboard.press(" ");
  await expect.poll(async () => (await pixels(app, [[0.05, 0.05]]))[0][3]).toBe(255);
  await app.keyboard.press("Control+z");
  await expect.poll(async () => (await pixels(app, [[0.05, 0.05]]))[0][3]).toBe(0);
  await tabTo(app, "Download");
  const [download] = await Promise.all([app.waitForEvent("download"), app.keyboard.press("Enter")]);
  expect(download.suggestedFilename()).toBe("cat-cutout.png");
});

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`no accessibility fault on any page, ${colorScheme}`, async ({ app }, info) => {
    await app.emulateMedia({ colorScheme });
    const look = async (name) => {
      await accessible(app);
      await app.screenshot({ path: info.outputPath(`${name}.png`) });
    };
    await look("empty");
    await drop(app, [CAT, FOX]);
    await done(app);
    await look("picture");
    await pick(app, "Background", "Gradient");
    await pick(app, "Shadow", "Cast");
    await remade(app, () => pick(app, "Size", "Canvas"));
    await app.getByText("Edge", { exact: true }).click();
    await app.getByText("These settings as a call").click();
    await look("settings");
    await app.getByRole("button", { name: "Remove brush" }).click();
    await look("brush");
    await app.getByRole("button", { name: "Make all 2 as ZIP" }).click();
    await expect(app.getByRole("button", { name: "Download the ZIP" })).toBeVisible();
    for (const page of ["Jobs", "Keys", "Webhooks", "Usage"]) {
      await app.getByRole("navigation").getByRole("link", { name: page }).click();
      await expect(app.getByRole("heading", { level: 1 })).toBeVisible();
      await expect(app.getByText("Loading …")).toHaveCount(0);
      await look(page.toLowerCase());
    }
  });
}

test("on a phone nothing is cut off", async ({ browser, server }, info) => {
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
    deviceScaleFactor: 2,
  });
  const page = await context.newPage();
  await page.goto(server.door);
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await expect(page.getByRole("button", { name: "Choose files" })).toBeVisible();
  await page.screenshot({ path: info.outputPath("phone-empty.png") });
  expect(await wide()).toBeLessThanOrEqual(0);
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: "Choose files" }).tap(),
  ]);
  await chooser.setFiles([CAT.path, FOX.path]);
  await done(page);
  await page.screenshot({ path: info.outputPath("phone-picture.png") });
  expect(await wide()).toBeLessThanOrEqual(0);
  const small = await page.evaluate(() =>
    [...document.querySelectorAll("button, select, input:not(.gone), a")]
      .filter((element) => {
        const { width, height } = element.getBoundingClientRect();
        return element.checkVisibility() && (width < 24 || height < 24);
      })
      .map((element) => element.outerHTML.slice(0, 120)),
  );
  expect(small).toEqual([]);
  await accessible(page);
  await context.close();
});

test("without a key there is a way in, with a wrong one a reason", async ({ browser, server }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(server.base);
  await page.getByLabel("API key").fill("bfx_wrong");
  await page.getByRole("button", { name: "Sign in" }).first().click();
  await expect(page.getByRole("alert")).toContainText("not known");
  await accessible(page);
  await page.getByLabel("API key").fill(server.key);
  await page.getByRole("button", { name: "Sign in" }).first().click();
  await expect(page.getByRole("heading", { name: "Remove the background" })).toBeVisible();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await context.close();
});

test("a key is made, works, and is revoked", async ({ app, server, request }) => {
  await app.getByRole("link", { name: "Keys" }).click();
  await app.getByLabel("Name").fill("shop");
  await app.getByRole("button", { name: "Make a key" }).click();
  const key = await app.locator(".secret code").textContent();
  const account = () => request.get(`${server.base}/v1/account`, { headers: { "X-API-Key": key } });
  expect((await (await account()).json()).role).toBe("editor");
  app.on("dialog", (dialog) => dialog.accept());
  await app.getByRole("button", { name: "Revoke shop" }).click();
  await expect(app.getByRole("cell", { name: "shop" })).toHaveCount(0);
  expect((await account()).status()).toBe(401);
});

test("the page is small, and asks nobody else", async ({ page, server }) => {
  const requests = [];
  page.on("requestfinished", (request) => requests.push(request));
  await page.goto(server.door);
  await expect(page.getByRole("button", { name: "Choose files" })).toBeVisible();
  await page.waitForTimeout(500);
  const hosts = new Set(requests.map((request) => new URL(request.url()).host));
  const sizes = await Promise.all(requests.map((request) => request.sizes()));
  const bytes = sizes.reduce((sum, size) => sum + size.responseBodySize, 0);
  console.log(`the page has ${bytes} bytes as they are sent`);
  expect([...hosts]).toEqual([new URL(server.base).host]);
  expect(bytes).toBeLessThan(150_000);
});
