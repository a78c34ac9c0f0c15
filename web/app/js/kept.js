// What the browser keeps of the page, so that nothing is lost when it is loaded again.

const NAME = "backgroundfx";

/** @type {Promise<IDBDatabase> | null} */
let opened = null;

function open() {
  opened ??= new Promise((done, failed) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("files");
      request.result.createObjectStore("page");
    };
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
  return opened;
}

/**
 * @template Value
 * @param {"files" | "page"} store
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<Value>} ask
 * @returns {Promise<Value>}
 */
async function run(store, mode, ask) {
  const database = await open();
  return new Promise((done, failed) => {
    const request = ask(database.transaction(store, mode).objectStore(store));
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
}

/**
 * @param {"files" | "page"} store
 * @param {string} key
 * @param {unknown} value
 */
export const put = (store, key, value) => run(store, "readwrite", (files) => files.put(value, key));

/**
 * @param {"files" | "page"} store
 * @param {string} key
 * @returns {Promise<any>}
 */
export const get = (store, key) => run(store, "readonly", (files) => files.get(key));

/**
 * @param {"files" | "page"} store
 * @param {string} key
 */
export const remove = (store, key) => run(store, "readwrite", (files) => files.delete(key));

/** Forgets everything. */
export async function clear() {
  await run("files", "readwrite", (files) => files.clear());
  await run("page", "readwrite", (page) => page.clear());
}
