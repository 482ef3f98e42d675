// The view that recommends: the questions at the side, the answer beside them.

import { call } from "./api.js";
import { fill, h } from "./dom.js";
import { categories, describe, facts, titleOf } from "./facts.js";
import { Latest } from "./latest.js";
import { momentPanel } from "./moment.js";
import { problem, refused, skeleton } from "./notices.js";
import { proportionsPanel } from "./proportions.js";
import { personOf, requestOf } from "./request.js";
import { results } from "./results.js";
import { rulesPanel } from "./rules.js";
import { get, set, subscribe } from "./state.js";
import { say } from "./toast.js";
import { varietyPanel } from "./variety.js";
import { viewerPanel } from "./viewer.js";
import { wishesPanel } from "./wishes.js";
import { listed, plural } from "./words.js";

const PAUSE = 120; // milliseconds

/** Show the view; returns how to leave it. `answered(answer)` is told of every answer. */
export function recommend(main, answered) {
  const viewer = viewerPanel(),
    proportions = proportionsPanel(),
    rules = rulesPanel(),
    moment = momentPanel();
  const title = h("h2"),
    about = h("p", { class: "note" });
  const list = results({ watched, hide, from, loosen });
  const answer = h("div", { "aria-busy": "true" }, list.el);
  const status = h("p", { class: "unseen", role: "status" });
  fill(
    main,
    h(
      "div",
      { class: "split" },
      h(
        "div",
        { class: "side" },
        viewer.el,
        proportions.el,
        varietyPanel(),
        categories().length > 0 && wishesPanel(),
        facts.features.length > 0 && rules.el,
        moment.el,
        moment.hidden,
      ),
      h(
        "section",
        { "aria-labelledby": "answer" },
        h("div", { class: "head" }, title, about),
        status,
        answer,
      ),
    ),
  );
  title.id = "answer";
  list.clear(skeleton());

  let shown = null; // the answer on the page
  let before = null; // the ids that moves are counted from
  let dragging = false;
  let then = 0; // asks for the reasons, which take longer, when nothing changes any more
  const asker = new Latest(ask, {
    done({ told, took, reasons }, question) {
      rules.fault(null);
      answer.classList.remove("slow");
      if (question.person !== shown?.person) before = null;
      shown = { person: question.person, told };
      list.show(told, before, reasons);
      proportions.weigh(told);
      fill(title, headline(told));
      if (!reasons) fill(about, aside(told, took));
      answered(told);
      if (reasons) {
        answer.setAttribute("aria-busy", "false");
        const first = told.items[0] ? titleOf(told.items[0]) : "none";
        status.textContent = `${plural(told.items.length, "item")}; first: ${first}`;
      } else if (!dragging) {
        then = setTimeout(() => asker.ask({ ...question, reasons: true }), PAUSE);
      }
    },
    failed(error) {
      const fault = error.about?.("where");
      rules.fault(fault);
      answer.setAttribute("aria-busy", "false");
      answer.classList.toggle("slow", false);
      if (fault && shown) {
        fill(about, "The rule is not understood yet; this is the answer before it.");
        return;
      }
      shown = before = null;
      fill(title, "No answer");
      fill(about);
      list.clear(problem(error, () => again()));
    },
    busy(slow, { reasons }) {
      // While reasons are awaited, the answer is there already.
      answer.classList.toggle("slow", slow && shown !== null && !reasons);
    },
  });
  const again = (how = {}) => {
    clearTimeout(then);
    answer.setAttribute("aria-busy", "true");
    asker.ask({ body: requestOf(get()), person: personOf(get()), reasons: false }, how);
  };
  subscribe((old, step) => {
    if (!dragging) before = shown?.told.items.map((item) => item.item_id) ?? null;
    dragging = !step;
    again({ now: step });
  });
  again();
  viewer.refresh();
  return () => {
    clearTimeout(then);
    asker.stop();
  };

  async function watched(item) {
    const { user, history } = get();
    if (history !== null || user === null) {
      set({ user: null, history: [...(history ?? []), item.item_id] });
      say("Added to the history that is put together here; nothing was kept.");
      return;
    }
    await live(item, "view", `Kept: ${user} watched ${item.title ?? item.item_id}.`);
  }

  function hide(item) {
    const { user, exclude } = get();
    set({ exclude: [...exclude, item.item_id] });
    const forGood = user !== null && {
      label: `Hide for ${user} for good`,
      run: async () => {
        const kept = await live(item, "hide", `Kept: hidden from ${user}.`);
        // What is kept for good needs no hiding here, and taking that back would show nothing.
        if (kept) set({ exclude: get().exclude.filter((id) => id !== item.item_id) });
      },
    };
    say(`Hidden here: ${item.title ?? item.item_id}.`, { act: forGood });
  }

  /** Post a live event, and ask again; returns whether it was kept. */
  async function live(item, event, said) {
    const body = {
      user_id: get().user,
      item_id: item.item_id,
      event,
      request_id: shown?.told.request_id,
    };
    try {
      await call("v1/events", {
        body: { ...body, event_id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` },
      });
    } catch (error) {
      refused(error, () => live(item, event, said));
      return false;
    }
    say(said);
    before = shown?.told.items.map((i) => i.item_id) ?? null;
    viewer.refresh(true);
    again({ now: true });
    return true;
  }

  function from(item) {
    set({ user: null, history: [item.item_id], exclude: [] });
  }

  function loosen(constraint) {
    set(
      {
        where: { where: "" },
        exclude: { exclude: [] },
        seen: { seen: "allow" },
        caps: { caps: {} },
      }[constraint],
    );
  }
}

async function ask(question, signal) {
  const began = performance.now();
  const { reasons, body } = question;
  const told = await call("v1/recommend", {
    body: reasons ? { ...body, why: true } : body,
    signal,
  });
  const took = performance.now() - began;
  await describe(
    told.items.map((item) => item.item_id),
    signal,
  ).catch((error) => {
    if (error.name === "AbortError") throw error; // without features the answer is still one
  });
  return { told, took, reasons };
}

function headline(told) {
  const { user, history } = get();
  if (history === null && user !== null) return `For ${user}`;
  return history?.length
    ? `For a history of ${plural(history.length, "title")}`
    : "For somebody new";
}

function aside(told, took) {
  const silent = facts.networks.filter((name) => told.abstained.includes(name));
  return [
    `${plural(told.items.length, "item")} in ${Math.max(1, Math.round(took))} ms. `,
    silent.length > 0 &&
      told.items.length > 0 &&
      `${listed(silent)} ${silent.length > 1 ? "have" : "has"} nothing to say here. `,
    told.last_resort && "Popularity alone answered. ",
    told.unknown_items.length > 0 &&
      `Not in the catalogue, so skipped: ${listed(told.unknown_items)}. `,
    told.arm && `Experiment: ${told.arm}. `,
  ];
}
