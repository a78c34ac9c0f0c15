// Sends a file in pieces by the protocol tus, so that a broken connection or a restarted server costs only the last piece.

import { Problem, pause, send } from "./api.js";

const PIECE = 4 << 20;
const VERSION = { "Tus-Resumable": "1.0.0" };
/** Times in a row that a piece may fail before that is an error; pauses grow up to ten seconds. */
const TRIES = 40;

/**
 * Sends a file and gives the upload's identifier.
 * @param {File} file
 * @param {object} about
 * @param {string | null} [about.known] the identifier of an upload that was begun earlier
 * @param {(id: string) => void} [about.begun] told when the server knows it
 * @param {(share: number) => void} about.progress
 * @param {(waiting: boolean) => void} [about.waiting] told when the server does not answer, and when it does again
 * @param {AbortSignal} about.signal
 * @returns {Promise<string>}
 */
export async function upload(file, { known, begun, progress, waiting, signal }) {
  let id = known ?? null;
  let at = 0;
  for (let tries = 0; ;) {
    signal.throwIfAborted();
    try {
      if (!id) {
        id = await begin(file, signal);
        begun?.(id);
      } else if (tries > 0 || at === 0) {
        at = await offset(id, signal);
      }
      while (at < file.size) {
        at = await piece(id, file, at, signal);
        tries = 0;
        waiting?.(false);
        progress(at / file.size);
      }
      return id;
    } catch (error) {
      if (signal.aborted) throw error;
      // What the server has forgotten begins anew; what it refuses is an error.
      if (error instanceof Problem && error.status === 404 && id) id = null;
      else if (!mayPass(error) || ++tries >= TRIES) throw error;
      else waiting?.(true);
      at = 0;
      await pause(Math.min(10_000, 500 * 2 ** tries), signal);
    }
  }
}

/** @param {unknown} error */
function mayPass(error) {
  return (
    error instanceof Problem &&
    (error.status === 0 || error.status === 409 || error.status === 429 || error.status >= 500)
  );
}

/**
 * @param {File} file
 * @param {AbortSignal} signal
 */
async function begin(file, signal) {
  const encoded = (/** @type {string} */ text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  const facts = `filename ${encoded(file.name)},filetype ${encoded(file.type || "application/octet-stream")}`;
  const headers = { ...VERSION, "Upload-Length": String(file.size), "Upload-Metadata": facts };
  const answer = await send("POST", "/v1/uploads", { headers, signal });
  return answer.headers.get("location")?.split("/").pop() ?? "";
}

/**
 * @param {string} id
 * @param {AbortSignal} signal
 */
async function offset(id, signal) {
  const answer = await send("HEAD", `/v1/uploads/${id}`, { headers: VERSION, signal });
  return Number(answer.headers.get("upload-offset"));
}

/**
 * @param {string} id
 * @param {File} file
 * @param {number} at
 * @param {AbortSignal} signal
 */
async function piece(id, file, at, signal) {
  const headers = { ...VERSION, "Upload-Offset": String(at), "Content-Type": "application/offset+octet-stream" };
  const answer = await send("PATCH", `/v1/uploads/${id}`, { headers, body: file.slice(at, at + PIECE), signal });
  return Number(answer.headers.get("upload-offset"));
}
