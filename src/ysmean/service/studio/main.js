// Begin: the facts of the model, the state of the address, and one view at a time.

import { onKeyNeeded } from "./api.js";
import { compare } from "./compare.js";
import { button, fill, h, icon } from "./dom.js";
import { facts, load } from "./facts.js";
import { askForKey } from "./keydialog.js";
import { live } from "./live.js";
import { model } from "./model.js";
import { problem, skeleton } from "./notices.js";
import { recommend } from "./recommend.js";
import { share } from "./share.js";
import { begin, format, get, scope, subscribe, VIEWS } from "./state.js";
import { themeButton } from "./theme.js";
import { anybody } from "./viewer.js";

const SHOW = { recommend, compare, model, live };
const main = document.getElementById("main");
let leave = () => {};
let end = () => {};
let shown = null;
let answer = null;

onKeyNeeded(askForKey);
begin();
links();
fill(
  document.getElementById("tools"),
  button([icon("share"), "Share"], () => share(() => answer)),
  themeButton(),
);
start();

/** Load what every view needs, then show the one that the address says. */
async function start() {
  fill(main, skeleton());
  try {
    await load();
    const { user, history } = get();
    if (user === null && history === null) await anybody({ fresh: true });
  } catch (error) {
    fill(main, error.status === 503 ? waiting(error) : problem(error, start));
    return;
  }
  subscribe(show);
  show();
}

function waiting(error) {
  setTimeout(start, 1000 * (error.retryAfter ?? 1));
  return h(
    "p",
    { class: "waiting", role: "status" },
    `${error.message} The page goes on by itself.`,
  );
}

function show() {
  links();
  const { view } = get();
  if (view === shown) return;
  leave();
  end();
  shown = view;
  answer = null;
  document.title = `${view[0].toUpperCase()}${view.slice(1)} · Ys-Mean studio`;
  end = scope(() => {
    leave = SHOW[view](main, view === "model" ? renew : answered);
  });
}

/** Remember the answer on the page; one of another model means that it was swapped. */
function answered(told) {
  answer = told;
  if (told.model !== facts.model) renew();
}

/** Learn the facts of another model, and show the view anew. */
async function renew() {
  try {
    await load();
  } catch (error) {
    fill(main, problem(error, renew));
    return;
  }
  shown = null;
  show();
}

function links() {
  const { view } = get();
  const nav = document.getElementById("views");
  if (!nav.children.length)
    fill(
      nav,
      VIEWS.map((name) =>
        h("a", { "data-view": name }, `${name[0].toUpperCase()}${name.slice(1)}`),
      ),
    );
  for (const link of nav.children) {
    const name = link.dataset.view;
    link.href = `#${format({ ...get(), view: name })}`;
    if (name === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}
