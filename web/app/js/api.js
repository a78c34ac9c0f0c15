// Calls the server. Everything the page can do goes through here; see /v1/docs.

/** An answer that is an error, or no answer. */
export class Problem extends Error {
  /**
   * @param {{ detail?: string, title?: string, hint?: string, code?: string }} told
   * @param {number} status
   */
  constructor(told, status) {
    super(told.detail || told.title || `the server answered ${status}`);
    this.hint = told.hint ?? "";
    this.code = told.code ?? "";
    this.status = status;
  }
}

/**
 * @typedef {object} Asked
 * @property {unknown} [json] sent as JSON
 * @property {BodyInit} [body] sent as it is
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */

/**
 * Sends a request; an answer that is an error is thrown.
 * @param {string} method
 * @param {string} path
 * @param {Asked} [asked]
 * @returns {Promise<Response>}
 */
export async function send(method, path, { json, body, headers = {}, signal } = {}) {
  const content = json === undefined ? body : JSON.stringify(json);
  /** @type {Record<string, string>} */
  const types = json === undefined ? {} : { "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(path, { method, body: content, headers: { ...types, ...headers }, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    const hint = "Check that it runs and try again; your pictures are still on this page.";
    throw new Problem({ detail: "The server does not answer.", hint, code: "unreachable" }, 0);
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw new Problem(told, response.status);
}

/**
 * Sends a request whose answer is JSON.
 * @param {string} method
 * @param {string} path
 * @param {Asked} [asked]
 * @returns {Promise<any>}
 */
export async function json(method, path, asked) {
  return (await send(method, path, asked)).json();
}

/**
 * Sends again what a busy server has turned away, when it says to.
 * @template Answer
 * @param {() => Promise<Answer>} attempt
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer>}
 */
export async function patiently(attempt, signal) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const busy = error instanceof Problem && (error.status === 429 || error.code === "stopping");
      if (!busy || tries >= 8 || signal?.aborted) throw error;
      await pause(1000 * Math.min(8, 1 + tries), signal);
    }
  }
}

/**
 * Waits.
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 */
export function pause(milliseconds, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, milliseconds, undefined);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      done(undefined);
    });
  });
}

/**
 * A form of the fields that are there.
 * @param {Record<string, string | Blob | null | undefined>} fields
 */
export function form(fields) {
  const made = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof File) made.append(name, value, value.name);
    else if (value instanceof Blob) made.append(name, value, name);
    else if (value) made.append(name, value);
  }
  return made;
}

/**
 * Watches a job until it ends. A broken connection is taken up again by the browser.
 * @param {string} id
 * @param {(job: any) => void} changed
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} the job at its end
 */
export function watch(id, changed, signal) {
  return new Promise((done, failed) => {
    const events = new EventSource(`/v1/jobs/${id}/events`);
    const told = (/** @type {MessageEvent} */ event) => {
      const job = JSON.parse(event.data);
      changed(job);
      return job;
    };
    events.addEventListener("job", told);
    events.addEventListener("end", (event) => {
      events.close();
      done(told(event));
    });
    events.addEventListener("error", () => {
      // The browser goes on by itself unless the server refused.
      if (events.readyState !== EventSource.CLOSED) return;
      json("GET", `/v1/jobs/${id}`)
        .then(() => pause(2000, signal))
        .then(() => watch(id, changed, signal))
        .then(done, (error) => {
          if (error instanceof Problem && error.status === 0)
            pause(2000, signal)
              .then(() => watch(id, changed, signal))
              .then(done, failed);
          else failed(error);
        });
    });
    signal?.addEventListener("abort", () => {
      events.close();
      failed(new DOMException("", "AbortError"));
    });
  });
}
