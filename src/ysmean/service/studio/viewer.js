// Who is asked for: a known viewer, or titles put together here.

import { call, query } from "./api.js";
import { combobox } from "./combobox.js";
import { button, fill, h } from "./dom.js";
import { describe, titleOf } from "./facts.js";
import { past } from "./past.js";
import { get, set, subscribe } from "./state.js";
import { say } from "./toast.js";
import { counted, plural } from "./words.js";

const SHOWN = 5; // titles of a known history
const COPIED = 50;

/** Choose a random viewer. */
export async function anybody(how = {}) {
  const { users } = await call(query("v1/users", { random: true, limit: 1 }));
  if (users.length) choose({ user: users[0].user_id, history: null }, how);
  else choose({ user: null, history: [] }, how);
}

function choose(person, how) {
  set({ ...person, exclude: [] }, how); // what was hidden was hidden from somebody else
}

/** Make the panel; `refresh` shows the history anew after an event. */
export function viewerPanel() {
  const search = combobox({
    label: "Search viewers",
    placeholder: "Search viewers by id",
    async source(text, _, signal) {
      const { users, total } = await call(query("v1/users", { query: text.trim(), limit: 8 }), {
        signal,
      });
      const found = users.map((u) => ({
        label: u.user_id,
        hint: plural(u.length, "title"),
        user: u.user_id,
      }));
      if (total > users.length)
        found.push({ label: `${counted(total - users.length)} more; type on`, inert: true });
      const typed = text.trim();
      if (typed && !users.some((u) => u.user_id === typed)) {
        const hint = "not known from training";
        found.push({ label: `Ask for “${typed}”`, hint, user: typed });
      }
      return found;
    },
    pick(option, input) {
      input.value = "";
      choose({ user: option.user, history: null });
    },
  });
  const somebody = button("Somebody new", () => choose({ user: null, history: [] }), {
    "aria-pressed": "false",
  });
  const random = button("Random viewer", () => anybody().catch((error) => say(error.message)));
  const who = h("div", { class: "stack" });
  const el = h(
    "section",
    { class: "panel", "aria-label": "Viewer" },
    h("h3", {}, "Viewer"),
    search.el,
    h("div", { class: "row" }, random, somebody),
    who,
  );

  let shown = null,
    asked = null;
  const refresh = async (again = false) => {
    const { user, history } = get();
    somebody.setAttribute("aria-pressed", String(history !== null && !history.length));
    const now = JSON.stringify([user, history]);
    if (now === shown && !again) return;
    shown = now;
    asked?.abort();
    asked = new AbortController();
    try {
      if (history !== null) await composed(history, asked.signal);
      else if (user !== null) await watched(user, asked.signal);
    } catch (error) {
      if (error.name !== "AbortError") fill(who, h("p", { class: "note" }, error.message));
    }
  };
  const list = past((next, how) => set({ history: next }, how));
  const composed = async (history, signal) => {
    await describe(history, signal);
    if (who.firstChild !== list.el) fill(who, list.el);
    list.show(history);
  };
  const watched = async (user, signal) => {
    const path = `v1/users/${encodeURIComponent(user)}/history`;
    const told = await call(query(path, { limit: COPIED }), { signal });
    const items = told.items.toReversed();
    fill(
      who,
      h(
        "p",
        {},
        h("b", {}, user),
        h(
          "span",
          { class: "soft" },
          told.length ? ` · ${plural(told.length, "title")}, last:` : " · nothing watched yet",
        ),
      ),
      items.length > 0 &&
        h(
          "ol",
          { class: "past still", "aria-label": "Watched last" },
          items.slice(0, SHOWN).map((item) => h("li", {}, titleOf(item))),
        ),
      h(
        "div",
        { class: "row" },
        button(
          "Edit a copy of this history",
          () => {
            choose({ user: null, history: told.items.map((item) => item.item_id) });
          },
          { kind: "bare" },
        ),
      ),
    );
  };
  subscribe(() => refresh());
  return { el, refresh };
}
