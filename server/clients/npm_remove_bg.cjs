// The client `remove.bg` of npm.
const assert = require("node:assert");
const fs = require("node:fs");
const { createRequire } = require("node:module");

const client = createRequire(`${process.cwd()}/`)("remove.bg");
const [apiKey, path] = process.argv.slice(2);

async function main() {
  const file = await client.removeBackgroundFromImageFile({ apiKey, path, size: "regular", outputFile: "cut.png" });
  assert.ok(fs.readFileSync("cut.png").subarray(1, 4).equals(Buffer.from("PNG")));
  assert.ok(Number(file.resultWidth) * Number(file.resultHeight) <= 250000);
  assert.ok(Number(file.rateLimitRemaining) < Number(file.rateLimit));
  assert.ok(file.detectedType);
  const base64img = fs.readFileSync(path).toString("base64");
  const cropped = await client.removeBackgroundFromImageBase64({ apiKey, base64img, crop: true, size: "auto" });
  assert.ok(cropped.base64img.startsWith("iVBORw0KGgo"));
  const refusal = await client.removeBackgroundFromImageFile({ apiKey: "wrong", path }).catch((errors) => errors);
  assert.equal(refusal[0].code, "auth_failed");
  console.log("ok       remove.bg (npm)");
}

main().catch((error) => {
  console.error("FAILED   remove.bg (npm):", error);
  process.exit(1);
});
