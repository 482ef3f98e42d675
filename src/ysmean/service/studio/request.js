// The state as a request to the service, and as code that asks the same.

/** Return the body of POST /v1/recommend; what is as usual is left out. */
export function requestOf(state) {
  const body = {};
  if (state.history !== null) {
    if (state.history.length) body.history = state.history;
  } else if (state.user !== null) body.user_id = state.user;
  if (state.prefer.length) {
    body.preferences = {};
    for (const [feature, value, strength] of state.prefer) {
      (body.preferences[feature] ??= {})[value] = strength;
    }
  }
  const context = {};
  if (state.hour !== null) context.hour = state.hour;
  if (state.weekday !== null) context.weekday = state.weekday;
  if (Object.keys(context).length) body.context = context;
  if (state.where.trim()) body.where = state.where;
  if (state.at) body.at = state.at;
  if (state.exclude.length) body.exclude = state.exclude;
  if (state.seen !== "exclude") body.seen = state.seen;
  const scale = Object.entries(state.scale).filter(([, factor]) => factor !== 1);
  if (scale.length) body.scale = Object.fromEntries(scale);
  if (state.weights !== "fitted") body.weights = state.weights;
  if (state.diversity !== null) body.diversity = state.diversity;
  if (Object.keys(state.caps).length) body.caps = state.caps;
  body.k = state.k;
  return body;
}

/** Return what a state says of the viewer: two states with the same are of the same person. */
export function personOf(state) {
  return JSON.stringify(state.history !== null ? ["history"] : ["user", state.user]);
}

/** Return a command line that asks the same. */
export function curlOf(body, keyed) {
  const quoted = JSON.stringify(body).replaceAll("'", "'\\''");
  const lines = [
    `curl -s '${new URL("v1/recommend", document.baseURI)}'`,
    "  -H 'Content-Type: application/json'",
    ...(keyed ? ['  -H "X-API-Key: $YSMEAN_KEY"'] : []),
    `  -d '${quoted}'`,
  ];
  return lines.join(" \\\n");
}

/** Return Python that asks the same, with the standard library alone. */
export function pythonOf(body, keyed) {
  const asked = Object.entries(body).map(([name, value]) => `    "${name}": ${python(value)},`);
  return [
    "import json",
    ...(keyed ? ["import os"] : []),
    "from urllib.request import Request, urlopen",
    "",
    `url = "${new URL("v1/recommend", document.baseURI)}"`,
    "asked = {",
    ...asked,
    "}",
    'headers = {"Content-Type": "application/json"}',
    ...(keyed ? ['headers["X-API-Key"] = os.environ["YSMEAN_KEY"]'] : []),
    "request = Request(url, json.dumps(asked).encode(), headers)",
    'for item in json.load(urlopen(request))["items"]:',
    '    print(item["item_id"], item["title"], item["score"], item["contributions"])',
  ].join("\n");
}

function python(value) {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null) return "None";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value)
      .map(([k, v]) => `${python(k)}: ${python(v)}`)
      .join(", ")}}`;
  }
  return JSON.stringify(value);
}

/** Return an answer as a table of comma-separated values. */
export function csvOf(answer) {
  const names = [...new Set(answer.items.flatMap((item) => Object.keys(item.shares)))];
  const proper = [...new Set(answer.items.flatMap((item) => Object.keys(item.contributions)))];
  const head = ["place", "item_id", "title", "score"];
  head.push(...names.map((n) => `share ${n}`), ...proper.map((n) => `contribution ${n}`), "why");
  const rows = answer.items.map((item, n) => [
    n + 1,
    item.item_id,
    item.title ?? "",
    item.score,
    ...names.map((name) => item.shares[name] ?? ""),
    ...proper.map((name) => item.contributions[name] ?? ""),
    item.why ?? "",
  ]);
  return [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

function cell(value) {
  // A text that a spreadsheet would take for a formula is kept from being one.
  const text = typeof value === "string" ? value.replace(/^[=+\-@\t\r]/, "'$&") : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
