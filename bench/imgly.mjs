// One picture cut out by @imgly/background-removal-node: node imgly.mjs IN OUT, from the folder that holds its node_modules.
import { createRequire } from "node:module";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [source, target] = process.argv.slice(2);
const entry = createRequire(path.join(process.cwd(), "here.js")).resolve("@imgly/background-removal-node");
const { removeBackground } = await import(pathToFileURL(entry));
const picture = new Blob([await readFile(source)], { type: "image/jpeg" });
const publicPath = pathToFileURL(path.dirname(entry)) + "/";
const cutout = await removeBackground(picture, { publicPath, model: "medium" });
await writeFile(target, Buffer.from(await cutout.arrayBuffer()));
