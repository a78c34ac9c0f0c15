// End-to-end tests of the web app: the real program, the real network, Debian's Chromium.
import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  timeout: 120_000,
  expect: { timeout: 30_000 },
  workers: 1,
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    viewport: { width: 1280, height: 800 },
    // Not a trace: what records it loads the page's pictures in ways that its policy forbids.
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? known.find((path) => existsSync(path)),
      // Root has no sandbox; the pages are our own.
      args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
    },
  },
});
