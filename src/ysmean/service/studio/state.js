// What is asked, and its address: every state is in the fragment, which browsers send nowhere.

export const NOTHING = Object.freeze({
  view: "recommend",
  user: null, // a known viewer's id
  history: null, // or titles put together here, oldest first; [] = somebody new
  prefer: [], // [feature, value, strength]
  where: "",
  hour: null,
  weekday: null,
  at: "",
  scale: {},
  weights: "fitted",
  exclude: [],
  seen: "exclude",
  diversity: null,
  caps: {}, // how many items may share a value, by feature
  k: 10,
});
export const VIEWS = ["recommend", "compare", "model", "live"];

let current = { ...NOTHING };
let dragged = false; // a drag has one entry in the browser's history, whatever it passes
const listeners = new Set();
let subscribed = null; // by what is being built

/** Return the state; never change it in place. */
export const get = () => current;

/** Call a function with the state before and whether the change is a step, whenever it changes. */
export function subscribe(listener) {
  listeners.add(listener);
  subscribed?.push(listener);
}

/** Build something whose subscriptions end together; returns what ends them. */
export function scope(build) {
  const mine = (subscribed = []);
  build();
  subscribed = null;
  return () => mine.forEach((listener) => listeners.delete(listener));
}

function tell(before, step) {
  // One listener may end the subscriptions of others.
  for (const listener of [...listeners]) if (listeners.has(listener)) listener(before, step);
}

/** Change some of the state. All that a drag passes is no step; its end is one. */
export function set(patch, { step = true, fresh = false } = {}) {
  const before = current;
  current = { ...current, ...patch };
  const address = `#${format(current)}`;
  if (address !== location.hash) {
    if (fresh || dragged) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
  }
  dragged = !step;
  tell(before, step);
}

/** Read the state from the address, now and whenever it changes. */
export function begin() {
  current = parse(location.hash);
  addEventListener("popstate", () => {
    const before = current;
    current = parse(location.hash);
    dragged = false;
    tell(before, true);
  });
}

/** Return the state as the text of an address, without what is as usual. */
export function format(state) {
  const search = new URLSearchParams();
  const put = (name, value) => search.append(name, value);
  if (state.user !== null) put("user", state.user);
  if (state.history !== null)
    for (const item of state.history.length ? state.history : [""]) put("history", item);
  for (const [feature, value, strength] of state.prefer)
    put("prefer", coded(feature, value, strength));
  for (const [name, factor] of Object.entries(state.scale)) put("scale", coded(name, factor));
  for (const [feature, most] of Object.entries(state.caps)) put("cap", coded(feature, most));
  for (const item of state.exclude) put("exclude", item);
  for (const name of ["where", "hour", "weekday", "at", "weights", "seen", "diversity", "k"]) {
    if (state[name] !== NOTHING[name]) put(name, state[name]);
  }
  const text = search.toString();
  return state.view + (text ? `?${text}` : "");
}

/** Return the state that an address says; what it cannot say is as usual. */
export function parse(address) {
  const [view, text = ""] = address.replace(/^#/, "").split(/\?(.*)/s);
  const search = new URLSearchParams(text);
  const number = (name, least, most) => {
    const value = Number(search.get(name));
    const good = search.get(name) && Number.isFinite(value) && value >= least && value <= most;
    return good ? value : NOTHING[name];
  };
  const prefer = search
    .getAll("prefer")
    .map(decoded)
    .filter((p) => p.length === 3);
  const scale = search
    .getAll("scale")
    .map(decoded)
    .filter((p) => p.length === 2 && Number(p[1]) >= 0);
  const caps = search
    .getAll("cap")
    .map(decoded)
    .filter(([, most]) => /^[1-9]\d*$/.test(most));
  return {
    ...NOTHING,
    view: VIEWS.includes(view) ? view : NOTHING.view,
    user: search.get("user") || null,
    history: search.has("history") ? search.getAll("history").filter(Boolean) : null,
    prefer: prefer.map(([feature, value, strength]) => [feature, value, Number(strength) || 0]),
    scale: Object.fromEntries(scale.map(([name, factor]) => [name, Number(factor)])),
    caps: Object.fromEntries(caps.map(([feature, most]) => [feature, Number(most)])),
    exclude: search.getAll("exclude"),
    where: search.get("where") ?? "",
    at: search.get("at") ?? "",
    hour: number("hour", 0, 23),
    weekday: number("weekday", 0, 6),
    weights: search.get("weights") === "equal" ? "equal" : "fitted",
    seen: search.get("seen") === "allow" ? "allow" : "exclude",
    diversity: number("diversity", 0, 1),
    k: Math.round(number("k", 1, 100)),
  };
}

const coded = (...parts) => parts.map((p) => encodeURIComponent(p)).join(":");
const decoded = (text) =>
  text.split(":").map((p) => {
    try {
      return decodeURIComponent(p);
    } catch {
      return p; // typed by hand
    }
  });
