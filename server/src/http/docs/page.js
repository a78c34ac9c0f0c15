// Shows the description of the API and sends requests to it. It knows nothing but openapi.json.

const methods = ["get", "post", "put", "patch", "delete", "head", "options"];

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Follows a reference inside the document. */
function resolve(description, schema) {
  const path = schema?.$ref?.slice(2).split("/");
  return path ? path.reduce((at, part) => at[part], description) : schema ?? {};
}

function field(name, schema, about, required) {
  const kind = schema.type === "array" ? schema.items ?? {} : schema;
  let input;
  if (kind.format === "binary") {
    input = element("input", { type: "file", multiple: schema.type === "array" });
  } else if (kind.enum) {
    input = element("select", {}, element("option", { value: "" }), ...kind.enum.map((value) => element("option", { value }, value)));
  } else {
    input = element("input", { type: "text" });
  }
  input.name = name;
  input.required = Boolean(required);
  return element("label", {}, element("span", {}, name, " ", element("small", {}, about ?? "")), input);
}

async function show(response, into) {
  const type = response.headers.get("content-type") ?? "";
  const head = [`${response.status} ${response.statusText}`, ...[...response.headers].map(([name, text]) => `${name}: ${text}`)];
  into.replaceChildren(element("pre", {}, head.join("\n")));
  if (type.startsWith("image/")) {
    const image = element("img", { src: URL.createObjectURL(await response.blob()), alt: "The answer" });
    into.append(image);
  } else {
    const text = await response.text();
    const pretty = type.includes("json") && text ? JSON.stringify(JSON.parse(text), null, 2) : text;
    into.append(element("pre", {}, pretty.slice(0, 100000)));
  }
}

async function send(path, method, form, body) {
  const headers = new Headers();
  const key = document.getElementById("key").value.trim();
  if (key) headers.set("X-API-Key", key);
  let address = path;
  const query = new URLSearchParams();
  for (const input of form.querySelectorAll("[data-place]")) {
    if (!input.value) continue;
    if (input.dataset.place === "path") address = address.replace(`{${input.name}}`, encodeURIComponent(input.value));
    if (input.dataset.place === "query") query.set(input.name, input.value);
    if (input.dataset.place === "header") headers.set(input.name, input.value);
  }
  if (query.size) address += `?${query}`;
  let content;
  const json = form.querySelector("[data-json]");
  if (json) {
    headers.set("Content-Type", "application/json");
    content = json.value;
  } else if (body?.["multipart/form-data"]) {
    content = new FormData();
    for (const input of form.querySelectorAll("[data-part]")) {
      if (input.type === "file") [...input.files].forEach((file) => content.append(input.name, file));
      else if (input.value) content.append(input.name, input.value);
    }
  }
  return fetch(address, { method: method.toUpperCase(), headers, body: content });
}

function operation(description, path, method, about) {
  const form = element("form");
  const answer = element("div");
  for (const parameter of about.parameters ?? []) {
    const label = field(parameter.name, parameter.schema, parameter.description, parameter.required);
    label.querySelector("input, select").dataset.place = parameter.in;
    form.append(label);
  }
  const body = about.requestBody?.content;
  if (body?.["multipart/form-data"]) {
    const { properties } = resolve(description, body["multipart/form-data"].schema);
    for (const [name, schema] of Object.entries(properties ?? {})) {
      const label = field(name, resolve(description, schema), "");
      label.querySelector("input, select").dataset.part = "";
      form.append(label);
    }
  } else if (body?.["application/json"]) {
    const { properties } = resolve(description, body["application/json"].schema);
    const example = Object.fromEntries(Object.keys(properties ?? {}).map((name) => [name, ""]));
    const area = element("textarea", { value: JSON.stringify(example, null, 2) });
    area.dataset.json = "";
    form.append(element("label", {}, "JSON", area));
  }
  form.append(element("button", { type: "submit" }, "Send"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    answer.replaceChildren("Sending …");
    try {
      await show(await send(path, method, form, body), answer);
    } catch (error) {
      answer.replaceChildren(`It could not be sent: ${error.message}`);
    }
  });
  const title = element("summary", {}, element("code", {}, `${method.toUpperCase()} ${path}`), ` ${about.summary}`);
  return element("details", {}, title, element("small", {}, `needs: ${about["x-needs"]}`), form, answer);
}

const description = await (await fetch("/v1/openapi.json")).json();
const groups = new Map();
for (const [path, operations] of Object.entries(description.paths)) {
  for (const method of methods.filter((method) => operations[method])) {
    const tag = operations[method].tags[0];
    if (!groups.has(tag)) groups.set(tag, element("section", {}, element("h2", {}, tag)));
    groups.get(tag).append(operation(description, path, method, operations[method]));
  }
}
document.getElementById("operations").replaceChildren(...groups.values());
