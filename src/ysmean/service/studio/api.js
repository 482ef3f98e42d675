// The service, asked over its own origin. The key, where one is needed, lives in this tab alone.

const KEY = "ysmean-key";
const base = new URL(".", document.baseURI);

/** What the service refused, in its own words. */
export class Problem extends Error {
  constructor(status, detail, errors = [], retryAfter = null) {
    super(detail);
    Object.assign(this, { status, errors, retryAfter });
  }

  /** What is wrong with one field of the request, or nothing. */
  about(field) {
    return this.errors.find((e) => e.field === field || e.field.startsWith(`${field}.`))?.detail;
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (text) => (text ? sessionStorage.setItem(KEY, text) : sessionStorage.removeItem(KEY)),
};

let askForKey = async () => false;

/** Say who asks people for a key: gets the problem, returns whether one was given. */
export function onKeyNeeded(ask) {
  askForKey = ask;
}

/** Call a route and return its JSON, or its text. Raises Problem, or AbortError. */
export async function call(path, { body, signal, method } = {}) {
  for (;;) {
    const sent = key.get();
    const response = await send(path, sent, { body, signal, method });
    if (response.ok) return isJson(response) ? response.json() : response.text();
    const problem = await problemOf(response);
    const changed = key.get() !== sent; // somebody gave another one meanwhile
    if (problem.status !== 401 || !(changed || (await askForKey(problem)))) throw problem;
  }
}

async function send(path, sent, { body, signal, method }) {
  const headers = sent ? { "X-API-Key": sent } : {};
  const options = { headers, signal, method: method ?? (body === undefined ? "GET" : "POST") };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  try {
    return await fetch(new URL(path, base), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The service does not answer. Is it still running?");
  }
}

async function problemOf(response) {
  const told = isJson(response) ? await response.json().catch(() => ({})) : {};
  const wait = Number(response.headers.get("Retry-After")) || null;
  const detail = told.detail ?? `The service answered with status ${response.status}.`;
  return new Problem(response.status, detail, told.errors ?? [], wait);
}

function isJson(response) {
  return /[/+]json/.test(response.headers.get("Content-Type") ?? "");
}

const kept = new Map();

/** Call a route whose answer does not change while the page is open. */
export function once(path) {
  if (!kept.has(path)) {
    const asked = call(path);
    asked.catch(() => kept.delete(path));
    kept.set(path, asked);
  }
  return kept.get(path);
}

/** Forget what was kept, as after a swap of the model. */
export function forget() {
  kept.clear();
}

/** Return a path with a query; what is empty is left out, lists are repeated. */
export function query(path, values) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const one of [value].flat()) if (one !== "" && one != null) search.append(name, one);
  }
  return `${path}?${search}`;
}
