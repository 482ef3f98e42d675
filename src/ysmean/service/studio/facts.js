// What is known of the model: its networks and their colours, its features, what the API takes.

import { call, forget, once, query } from "./api.js";
import { h } from "./dom.js";

const COLOURS = 8;
const described = new Map(); // items by id

/** The facts of the model that answers; filled by `load`. */
export const facts = {
  model: "",
  networks: [],
  names: [],
  features: [],
  takes: new Set(),
  data: {},
};

/** Ask for the facts, again after a swap. */
export async function load() {
  forget();
  described.clear();
  const [data, features, document] = await Promise.all([
    call("v1/model"),
    call("v1/features"),
    call("openapi.json"),
  ]);
  const asked = document.components?.schemas?.RecommendRequest?.properties ?? {};
  // The consensus is a member of the mean, though not a network of its own.
  const members = Object.keys(data.proportions[0] ?? {}).filter(
    (n) => n !== "segment" && n !== "cohort",
  );
  Object.assign(facts, {
    data,
    model: data.model,
    networks: data.networks,
    names: members,
    features: features.features,
    takes: new Set(Object.keys(asked)),
  });
}

/** The classes of a network's colour, the same in every view; hatched from the ninth on. */
export function colour(name) {
  if (name === "mean") return "mean";
  const n = facts.names.indexOf(name);
  return `n${Math.max(n, 0) % COLOURS}${n >= COLOURS ? " hatched" : ""}`;
}

/** A square in a network's colour. */
export function dot(name) {
  return h("i", { class: `dot ${colour(name)}`, "aria-hidden": "true" });
}

/** A network's name with its square. */
export function named(name) {
  return h("span", { class: "named" }, dot(name), h("span", {}, name));
}

export const typeOf = (feature) => facts.features.find((f) => f.name === feature)?.type;

const FEW = 25; // values that a feature may have to be told first

/** The features that say what an item is in a line: few-valued ones first, texts not at all. */
export function telling() {
  const rank = (f) => (f.values ? (f.values <= FEW ? 0 : 2) : 1);
  const shown = facts.features.filter((f) => f.type !== "text" && f.type !== "vector");
  return shown.sort((a, b) => rank(a) - rank(b));
}

export const categories = () => facts.features.filter((f) => f.values);

/** Describe items by id: title and features, each asked for once. */
export async function describe(ids, signal) {
  const missing = [...new Set(ids)].filter((id) => !described.has(id));
  for (let n = 0; n < missing.length; n += 50) {
    const some = missing.slice(n, n + 50);
    const answer = await call(query("v1/items/described", { item_id: some }), { signal });
    for (const item of answer.items) described.set(item.item_id, item);
    for (const id of answer.unknown_items)
      described.set(id, { item_id: id, title: null, features: {}, unknown: true });
  }
  return ids.map((id) => described.get(id));
}

/** What is known of an item already. */
export const known = (id) => described.get(id);

/** Remember a title that an answer told. */
export function titleOf(item) {
  return item.title ?? known(item.item_id)?.title ?? item.item_id;
}

/** Search the values of category features. */
export function valuesLike(text, feature, signal) {
  return call(query("v1/values", { query: text, feature, limit: 12 }), { signal });
}

/** The rows of /v1/model/networks. */
export const sizes = () => once("v1/model/networks");
