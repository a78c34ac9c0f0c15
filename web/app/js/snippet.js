// The call that does what the settings say, in other languages.

import { fields } from "./settings.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {[name: string, value: string, isFile: boolean]} Field */

/** @param {Settings} settings @returns {Field[]} */
function list(settings) {
  const named = Object.entries(fields(settings)).map(
    ([name, value]) =>
      /** @type {Field} */ (
        value instanceof Blob
          ? [name, value instanceof File ? value.name : "background.jpg", true]
          : [name, value, false]
      ),
  );
  return [["image", "photo.jpg", true], ...named];
}

/** @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * @param {Settings} settings
 * @param {string} server
 */
function curl(settings, server) {
  const parts = list(settings).map(([name, value, isFile]) => `  -F ${quoted(`${name}=${isFile ? "@" : ""}${value}`)}`);
  return [`curl ${server}/v1/remove`, "  -H 'X-API-Key: bfx_…'", ...parts, "  -o cutout.png"].join(" \\\n");
}

/**
 * @param {Settings} settings
 * @param {string} server
 */
function python(settings, server) {
  const files = list(settings)
    .filter((field) => field[2])
    .map(([name, value]) => `        "${name}": open(${JSON.stringify(value)}, "rb"),`);
  const texts = list(settings)
    .filter((field) => !field[2])
    .map(([name, value]) => `        "${name}": ${JSON.stringify(value)},`);
  return [
    "import requests",
    "",
    "answer = requests.post(",
    `    "${server}/v1/remove",`,
    '    headers={"X-API-Key": "bfx_…"},',
    "    files={",
    ...files,
    "    },",
    ...(texts.length ? ["    data={", ...texts, "    },"] : []),
    ")",
    "answer.raise_for_status()",
    'open("cutout.png", "wb").write(answer.content)',
  ].join("\n");
}

/**
 * @param {Settings} settings
 * @param {string} server
 */
function rust(settings, server) {
  const raw = (/** @type {string} */ text) => (/["\\]/.test(text) ? `r#"${text}"#` : `"${text}"`);
  const parts = list(settings).map(([name, value, isFile]) =>
    isFile ? `        .file("${name}", ${raw(value)})?` : `        .text("${name}", ${raw(value)})`,
  );
  return [
    '// reqwest with the features "blocking" and "multipart"',
    "use reqwest::blocking::{Client, multipart::Form};",
    "",
    "fn main() -> Result<(), Box<dyn std::error::Error>> {",
    "    let form = Form::new()",
    ...parts.slice(0, -1),
    `${parts.at(-1)};`,
    "    let answer = Client::new()",
    `        .post("${server}/v1/remove")`,
    '        .header("X-API-Key", "bfx_…")',
    "        .multipart(form)",
    "        .send()?",
    "        .error_for_status()?;",
    '    std::fs::write("cutout.png", answer.bytes()?)?;',
    "    Ok(())",
    "}",
  ].join("\n");
}

/** Languages, and how the call is written in them. */
export const languages = /** @type {const} */ ([
  ["curl", curl],
  ["python", python],
  ["rust", rust],
]);
