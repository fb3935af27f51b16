/**
 * <plan-editor>: the proposed plan while it awaits approval, as a list and as a graph of the same draft: change, add,
 * connect, remove, save or approve. When somebody else changes the plan meanwhile, what was edited here stays, and it
 * says what they changed until one of the two is chosen.
 */

/** @import { About, View } from "../types.d.ts" */

import { around, find, ref, show, text } from "../lib/dom.js";
import { post, Refused } from "../lib/http.js";
import { fill, gettext } from "../lib/i18n.js";
import { PlanDraft } from "./plan-draft.js";
import { PlanGraph } from "./plan-graph.js";
import { PlanRow } from "./plan-row.js";

/** A fault of the plan names its field like this. */
const FAULT = /^subtasks\[(\d+)\]\.(\w+)/;

class PlanEditor extends HTMLElement {
  /** Given by <stars-run>. @type {About} */
  about = /** @type {About} */ ({});
  draft = new PlanDraft();
  /** @type {Map<string, PlanRow>} */
  rows = new Map();
  /** The plan as it was drawn last. @type {View["plan"]} */
  plan = null;
  /** Ids of what is carried out already, when this is a further plan. @type {Set<string>} */
  there = new Set();
  /** Up to which event the log is known: what is decided is decided knowing the plan of then. */
  seen = 0;
  /** What was saved here and has not come back yet. @type {PlanDraft["items"] | null} */
  saved = null;
  /** @type {HTMLButtonElement[]} */
  buttons = [];

  connectedCallback() {
    this.buttons = [...this.querySelectorAll("button")].filter((button) => button.dataset.do !== undefined);
    this.tabs = [...this.querySelectorAll("[role=tab]")].filter((tab) => tab instanceof HTMLElement);
    this.addEventListener("click", (event) => {
      const what = around(event, "button[data-do]")?.dataset.do;
      if (what) this.#do(what);
    });
    for (const tab of this.tabs) tab.addEventListener("click", () => this.#open(tab));
    ref(this, "tabs").addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      event.preventDefault();
      const other = this.tabs?.find((tab) => tab.getAttribute("aria-selected") === "false");
      if (other) this.#open(other);
      other?.focus();
    });
    this.draft.addEventListener("change", (event) => this.#draw(/** @type {CustomEvent<string>} */ (event).detail));
    // The titles of others stand in rows that wait for them, once they are written.
    this.addEventListener("change", () => this.#draw("shape"));
  }

  /** @param {View} view */
  draw(view) {
    if (!show(this, view.status === "awaiting_approval")) {
      this.plan = null;
      return;
    }
    this.seen = view.last_seq;
    if (view.plan === this.plan || !view.plan) return;
    const first = this.plan === null;
    this.plan = view.plan;
    this.by = view.planBy;
    if (first) this.#begin();
    this.there = new Set(Object.keys(view.subtasks));
    // What one goes on writing after a save is not lost when that comes back.
    const mine = this.saved;
    this.saved = null;
    if (first || !this.draft.changed || mine === this.draft.items) this.draft.open(view.plan, this.there);
    else {
      this.draft.meet(view.plan);
      if (mine) this.draft.keep();
    }
  }

  /** A plan to decide on: only operators may. */
  #begin() {
    const may = this.about.can_steer;
    find(this, "fieldset", HTMLFieldSetElement).disabled = !may;
    show(ref(this, "may"), may);
    show(ref(this, "may-not"), !may);
    this.graph = find(this, "plan-graph", PlanGraph);
    this.graph.begin(this.draft, may ? this.about.assignees : null);
    this.#faults({});
    this.#enable();
  }

  /** @param {string} what - "text": only words of one subtask are different */
  #draw(what) {
    const { items, note, changed, met } = this.draft;
    text(ref(this, "note"), note);
    show(ref(this, "note"), Boolean(note));
    if (what !== "text") this.#drawRows();
    text(ref(this, "count"), String(items.length));
    for (const button of this.buttons) {
      if (["save", "discard"].includes(button.dataset.do ?? "")) show(button, changed);
      if (button.dataset.do === "approve") text(find(button, "span"), changed ? gettext("Save and approve") : gettext("Approve plan"));
    }
    if (show(ref(this, "met"), Boolean(met)) && met) text(ref(this, "met-words"), metWords(met, this.by ?? ""));
    this.graph?.draw();
    this.#enable();
  }

  #drawRows() {
    const { items } = this.draft;
    const list = ref(this, "rows");
    const keys = new Set(items.map(({ key }) => key));
    for (const [key, row] of this.rows) {
      if (keys.has(key)) continue;
      row.node.remove();
      this.rows.delete(key);
    }
    items.forEach((item, index) => {
      const row = this.rows.get(item.key) ?? new PlanRow(this.draft, this.about.assignees);
      this.rows.set(item.key, row);
      row.draw(item);
      if (list.children[index] !== row.node) list.insertBefore(row.node, list.children[index] ?? null);
    });
  }

  /** @param {HTMLElement} chosen */
  #open(chosen) {
    for (const tab of this.tabs ?? []) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      show(find(this, `#${tab.getAttribute("aria-controls")}`), tab === chosen);
    }
    this.graph?.draw();
  }

  /** @param {string} what */
  async #do(what) {
    const { draft, plan } = this;
    if (what === "add") return this.#add();
    if (what === "keep") return draft.keep();
    if (what === "discard" || what === "theirs") {
      if (plan) draft.open(plan, this.there);
      return this.#faults({});
    }
    const { value, changed } = draft;
    this.#enable(true);
    try {
      this.saved = what === "save" ? draft.items : null;
      const { seen } = this;
      if (what === "save") this.seen = (await post(this.about.urls.plan ?? "", { plan: value, seen })).last_seq;
      else await post(this.about.urls.approve ?? "", changed ? { plan: value, seen } : { seen });
      this.#faults({});
    } catch (refused) {
      this.saved = null;
      if (!(refused instanceof Refused)) throw refused;
      this.#faults(refused.fields, refused.message);
    } finally {
      this.#enable();
    }
    return undefined;
  }

  #add() {
    const key = this.draft.add(this.about.assignees[0]?.value ?? "", this.graph?.isOpen ? this.graph.onward : []);
    if (this.graph?.isOpen) this.graph.edit(key);
    else this.rows.get(key)?.focus();
  }

  /** What can be pressed: nothing while one waits for the server, and no deciding before theirs or one's own is chosen. */
  #enable(busy = false) {
    const may = this.about.can_steer;
    for (const button of this.buttons) {
      const decides = ["save", "approve"].includes(button.dataset.do ?? "");
      button.disabled = busy || !may || (decides && this.draft.theirs !== null);
      const why = !may ? "plan-may-not" : decides && this.draft.theirs ? "plan-met" : "";
      button.title = why ? (document.getElementById(why)?.textContent ?? "").trim() : "";
      if (why) button.setAttribute("aria-describedby", why);
      else button.removeAttribute("aria-describedby");
    }
  }

  /**
   * Faults are named `subtasks[2].title`; each goes beside its field, the rest above the buttons.
   * @param {Record<string, string[]>} fields
   */
  #faults(fields, message = "") {
    for (const row of this.rows.values()) row.clearFaults();
    const rest = [];
    for (const [name, messages] of Object.entries(fields)) {
      const [, index, field] = FAULT.exec(name) ?? [];
      const item = this.draft.items[Number(index ?? -1)];
      const placed = item && field && this.rows.get(item.key)?.fault(field, messages.join(" "));
      if (placed) this.graph?.fault(item.key, field, messages.join(" "));
      // In the graph's tab the rows are out of sight.
      if (!placed || this.graph?.isOpen) rest.push(...messages);
    }
    text(ref(this, "fault"), rest.join(" ") || message);
    show(ref(this, "fault"), Boolean(ref(this, "fault").textContent));
  }
}

/** @param {import("./plan-draft.js").Differences} met @param {string} by */
function metWords({ added, removed, changed }, by) {
  const who = by ? fill(gettext("%(who)s changed the plan meanwhile; what you have edited is kept."), { who: by }) : gettext("The plan was changed meanwhile; what you have edited is kept.");
  const list = (/** @type {string} */ words, /** @type {string[]} */ titles) => (titles.length ? fill(words, { titles: titles.join(", ") }) : "");
  return [
    who,
    list(gettext("Added: %(titles)s."), added),
    list(gettext("Removed: %(titles)s."), removed),
    list(gettext("Changed: %(titles)s."), changed),
  ].filter(Boolean).join(" ");
}

customElements.define("plan-editor", PlanEditor);
