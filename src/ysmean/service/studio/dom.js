// Elements without strings of HTML: text is always text, whatever an item is called.

const SVG = "http://www.w3.org/2000/svg";

/** Make an HTML element. `props`: attributes, `on` = listeners, `vars` = CSS variables. */
export function h(tag, props = {}, ...children) {
  return filled(document.createElement(tag), props, children);
}

/** Make an SVG element. */
export function s(tag, props = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), props, children);
}

function filled(el, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) el.addEventListener(event, listener);
    } else if (name === "vars") {
      for (const [key, set] of Object.entries(value)) el.style.setProperty(key, set);
    } else if (name in PROPERTIES) el[name] = value;
    else attribute(el, name, value);
  }
  el.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

const PROPERTIES = { value: 1, checked: 1, open: 1, hidden: 1, disabled: 1, selected: 1 };

/** Set an attribute; null and false take it away, true leaves it empty. */
export function attribute(el, name, value) {
  if (value === null || value === undefined || value === false) el.removeAttribute(name);
  else el.setAttribute(name, value === true ? "" : String(value));
}

/** Replace what an element holds. */
export function fill(el, ...children) {
  el.replaceChildren(
    ...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false),
  );
  return el;
}

/** Make a button. */
export function button(label, click, props = {}) {
  const { kind = "", ...rest } = props;
  return h("button", { type: "button", class: `button ${kind}`, on: { click }, ...rest }, label);
}

const PATHS = {
  cross: "M4 4l8 8M12 4l-8 8",
  grip: "M3 5h10M3 8h10M3 11h10",
  sun:
    "M8 5a3 3 0 100 6 3 3 0 000-6M8 1v1M8 14v1M1 8h1M14 8h1" +
    "M3 3l.7.7M12.3 12.3l.7.7M13 3l-.7.7M3.7 12.3L3 13",
  share: "M8 10V2M5 4.5L8 1.5l3 3M3 8v6h10V8",
};

/** Draw one of the few icons. */
export function icon(name) {
  return s("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, s("path", { d: PATHS[name] }));
}

let count = 0;

/** Return an id that nothing else has. */
export function fresh(prefix = "id") {
  count += 1;
  return `${prefix}-${count}`;
}

/** A label above a field. */
export function field(label, control, ...more) {
  control.id ||= fresh("field");
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, more);
}
