// What may come next in a `where`: features, operators, values, joiners. The service is the judge;
// this only helps to type.

const TOKEN =
  /'(?:[^']|'')*'?|"(?:[^"]|"")*"?|`(?:[^`]|``)*`?|<=|>=|==|!=|=|<|>|[(),]|[^\s'"`<>=!(),]+/g;
const BARE = /^[^\W\d][\w.:-]*$/u;
const WORDS = new Set(["and", "or", "not", "in", "is", "null", "contains", "all"]);
const COMPARE = new Set(["=", "==", "!=", "<", "<=", ">", ">="]);

/** Return a value or a feature as `where` writes it. */
export function quoted(text, mark = "'") {
  const bare = BARE.test(text) && !WORDS.has(text.toLowerCase());
  return bare ? text : mark + text.replaceAll(mark, mark + mark) + mark;
}

/**
 * Say what a text expects at the caret.
 *
 * Returns `{expects, feature, from, to, typed}`: expects is "feature", "operator", "value" or
 * "joiner"; from..to is the word under the caret, `typed` its part before the caret.
 */
export function situation(text, caret) {
  const before = [];
  let from = caret,
    to = caret;
  for (const match of text.matchAll(TOKEN)) {
    const start = match.index,
      end = start + match[0].length;
    if (start < caret && end >= caret && !/^[(),]$|^[<>=!]+$/.test(match[0])) {
      [from, to] = [start, end];
      break;
    }
    if (start >= caret) break;
    before.push(match[0]);
  }
  const typed = text.slice(from, caret).replace(/^['"`]/, "");
  return { ...expected(before), from, to, typed };
}

function expected(tokens) {
  let expects = "feature",
    feature = null,
    listing = false;
  for (const token of tokens) {
    const word = token.toLowerCase();
    if (expects === "feature") {
      if (token === "(" || word === "not") continue;
      [expects, feature] = ["operator", plain(token)];
    } else if (expects === "operator") {
      if (COMPARE.has(token)) expects = "value";
      else if (word === "in" || word === "all") [expects, listing] = ["value", true];
      else if (word === "null") expects = "joiner";
    } else if (expects === "value") {
      if (token !== "(") expects = "joiner";
    } else if (listing && token === ",") expects = "value";
    else if (listing && token === ")") listing = false;
    else if (word === "and" || word === "or")
      [expects, feature, listing] = ["feature", null, false];
  }
  return { expects, feature, listing };
}

function plain(token) {
  const mark = token[0];
  if (mark !== "`") return token;
  return token.slice(1, token.endsWith("`") ? -1 : undefined).replaceAll("``", "`");
}

/** The operators that make sense for a type of feature, with what they say. */
export function operators(type) {
  const equal = [
    ["=", "is"],
    ["!=", "is not"],
  ];
  const sorted = [
    [">=", "at least"],
    ["<=", "at most"],
    [">", "more than"],
    ["<", "less than"],
  ];
  const among = [
    ["in (", "one of"],
    ["not in (", "none of"],
  ];
  const all = [["contains all (", "all of"]];
  const empty = [
    ["is null", "not known"],
    ["is not null", "known"],
  ];
  const sets = {
    number: [...sorted, ...equal],
    datetime: [...sorted, ...equal],
    categories: [...equal, ...among, ...all],
  };
  return [...(sets[type] ?? [...equal, ...among]), ...empty];
}
