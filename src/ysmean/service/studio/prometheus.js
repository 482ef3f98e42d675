// Read what /metrics says, and make figures of it.

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Parse the text format: a list of `{name, labels, value}`. */
export function parse(text) {
  return text
    .split("\n")
    .filter((line) => line && line[0] !== "#")
    .map((line) => {
      const [, name, inside = "", value] = LINE.exec(line) ?? [];
      const labels = Object.fromEntries(
        [...inside.matchAll(LABEL)].map(([, key, said]) => [
          key,
          said.replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c)),
        ]),
      );
      return { name, labels, value: value === "+Inf" ? Infinity : Number(value) };
    })
    .filter((sample) => sample.name);
}

/** Add up the samples of a name whose labels fulfil a test. */
export function sum(samples, name, test = () => true) {
  return samples
    .filter((s) => s.name === name && test(s.labels))
    .reduce((total, s) => total + s.value, 0);
}

/** Add up by the value of a label: `{value: sum}`. */
export function by(samples, name, label) {
  const found = {};
  for (const s of samples) {
    if (s.name === name && s.labels[label] !== undefined)
      found[s.labels[label]] = (found[s.labels[label]] ?? 0) + s.value;
  }
  return found;
}

/** The buckets of a histogram: `[[limit, count at most]]`, the last limit infinite. */
export function buckets(samples, name, test = () => true) {
  const found = new Map();
  for (const s of samples) {
    if (s.name !== `${name}_bucket` || !test(s.labels)) continue;
    const limit = s.labels.le === "+Inf" ? Infinity : Number(s.labels.le);
    found.set(limit, (found.get(limit) ?? 0) + s.value);
  }
  return [...found].sort((a, b) => a[0] - b[0]);
}

/** Buckets since an earlier moment. */
export function since(now, before) {
  const old = new Map(before);
  return now.map(([limit, count]) => [limit, count - (old.get(limit) ?? 0)]);
}

/** Estimate a quantile within the bucket that holds it; NaN of nothing. */
export function quantile(counts, q) {
  const total = counts.at(-1)?.[1] ?? 0;
  if (!total) return NaN;
  const wanted = q * total;
  let low = 0,
    under = 0;
  for (const [limit, count] of counts) {
    if (count >= wanted)
      return limit === Infinity
        ? low
        : low + ((limit - low) * (wanted - under)) / Math.max(count - under, 1e-12);
    [low, under] = [limit, count];
  }
  return low;
}
