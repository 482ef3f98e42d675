// Numbers and lists as people write them.

const whole = new Intl.NumberFormat("en");

/** 1234 -> "1,234". */
export const counted = (n) => whole.format(n);

/** A share of 1 as percent, with as many digits as tell something. */
export function percent(p, digits = 0) {
  return `${(100 * p).toFixed(digits)}%`;
}

/** A probability: three figures or so, never 0 for what is not. */
export function probability(p) {
  if (p >= 0.0995) return percent(p, 1);
  if (p >= 0.00005) return percent(p, p >= 0.00995 ? 2 : 3);
  return p > 0 ? `${(100 * p).toExponential(1)}%` : "0%";
}

/** "one item", "3 items". */
export function plural(n, one, many = `${one}s`) {
  return n === 1 ? `1 ${one}` : `${counted(n)} ${many}`;
}

/** "a, b and c". */
export function listed(names) {
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names.join("");
}

/** Seconds as "12 ms", "3.2 s", "4 min", "2 h" or "3 days". */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 0.0995) return `${(1000 * seconds).toFixed(seconds < 0.00995 ? 1 : 0)} ms`;
  if (seconds < 1) return `${Math.round(1000 * seconds)} ms`;
  if (seconds < 90) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 2 * 86400
    ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86400)} days`;
}

/** A time in seconds or ISO 8601 as a date. */
export function date(moment) {
  const at = new Date(typeof moment === "number" ? moment * 1000 : moment);
  return Number.isNaN(at.getTime()) ? String(moment) : at.toISOString().slice(0, 10);
}

/** The value of a feature as words; long lists are cut unless `all`. */
export function said(value, type, all = false) {
  if (Array.isArray(value)) {
    const shown = all ? value : value.slice(0, 3);
    return shown.join(", ") + (value.length > shown.length ? " …" : "");
  }
  return type === "datetime" ? date(value) : String(value);
}

export const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
