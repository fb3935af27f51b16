/**
 * The plan as a person edits it: one draft, whatever it is edited by (a list, a graph). Pure; no DOM.
 *
 * Nothing that would make subtasks wait for each other in a circle is ever taken in: `connect` names the circle instead.
 */

/** @import { Plan, PlanItem } from "../types.d.ts" */

/** @typedef {{key: string, id: string | null, title: string, assignee: string, instructions: string, depends_on: string[]}} DraftItem */
/** @typedef {{added: string[], removed: string[], changed: string[]}} Differences - titles */

/** @param {PlanItem} item @returns {DraftItem} */
const asDraft = ({ key, id, title, assignee, instructions, depends_on: needs }) => ({
  key,
  id: id ?? null,
  title,
  assignee,
  instructions: instructions ?? "",
  depends_on: [...(needs ?? [])],
});

/** @param {DraftItem | undefined} a @param {DraftItem | undefined} b */
const sameItem = (a, b) =>
  a !== undefined &&
  b !== undefined &&
  a.title.trim() === b.title.trim() &&
  a.assignee === b.assignee &&
  a.instructions === b.instructions &&
  a.depends_on.toSorted().join(" ") === b.depends_on.toSorted().join(" ");

/** @param {readonly DraftItem[]} a @param {readonly DraftItem[]} b */
const sameItems = (a, b) => a.length === b.length && a.every((item, n) => item.key === b[n]?.key && sameItem(item, b[n]));

/**
 * The circle that would close if `to` waited for `from`: keys from `from` over `to` back to `from`; empty if none would.
 * @param {readonly DraftItem[]} items
 * @param {string} from
 * @param {string} to
 * @returns {string[]}
 */
export function circleOf(items, from, to) {
  if (from === to) return [from, to];
  const needs = new Map(items.map((item) => [item.key, item.depends_on]));
  /** By which key each was come to, on the way back from `from`. @type {Map<string, string>} */
  const by = new Map();
  const open = [from];
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    if (key === to) {
      const path = [to];
      for (let next = by.get(to); next !== undefined; next = by.get(next)) path.push(next);
      return [from, ...path];
    }
    for (const need of needs.get(key) ?? []) {
      if (by.has(need) || need === from) continue;
      by.set(need, key);
      open.push(need);
    }
  }
  return [];
}

/**
 * What is different in `theirs`, by title.
 * @param {readonly DraftItem[]} before
 * @param {readonly DraftItem[]} theirs
 * @returns {Differences}
 */
export function differences(before, theirs) {
  const old = new Map(before.map((item) => [item.key, item]));
  const now = new Map(theirs.map((item) => [item.key, item]));
  const titles = (/** @type {readonly DraftItem[]} */ items) => items.map(({ title }) => title);
  return {
    added: titles(theirs.filter(({ key }) => !old.has(key))),
    removed: titles(before.filter(({ key }) => !now.has(key))),
    changed: titles(theirs.filter((item) => old.has(item.key) && !sameItem(old.get(item.key), item))),
  };
}

/** Emits `change`; `detail` is "text" when only words of one subtask are different, else "shape". */
export class PlanDraft extends EventTarget {
  /** @type {DraftItem[]} */
  items = [];
  note = "";
  /** What it was begun from. @type {DraftItem[]} */
  #base = [];
  /** What somebody else made of the plan meanwhile. @type {Plan | null} */
  theirs = null;
  /** Keys of the plan that are carried out already; they stand as they are. @type {Set<string>} */
  #there = new Set();

  /** Whether it differs from what it was begun from. */
  get changed() {
    return !sameItems(this.items, this.#base);
  }

  /** The plan as the API takes it. */
  get value() {
    return { note: this.note, subtasks: this.items.map((item) => ({ ...item, title: item.title.trim() })) };
  }

  /**
   * Begin from this plan.
   * @param {Plan} plan
   * @param {ReadonlySet<string>} [there] - ids of what is carried out already; of a further plan only the rest is edited
   */
  open(plan, there = new Set()) {
    this.#there = new Set(plan.subtasks.filter(({ id }) => there.has(id)).map(({ key }) => key));
    this.note = plan.note ?? "";
    this.items = this.#mine(plan);
    this.#base = this.#mine(plan);
    this.theirs = null;
    this.#tell("shape");
  }

  /**
   * Somebody else changed the plan: what was edited here is kept, and stands beside theirs until one is chosen. When
   * both are the same there is nothing to choose.
   * @param {Plan} plan
   */
  meet(plan) {
    this.theirs = plan;
    if (sameItems(this.#mine(plan), this.items)) this.keep();
    else this.#tell("shape");
  }

  /** What they changed, by title; null while there is nothing to choose. */
  get met() {
    return this.theirs && differences(this.#base, this.#mine(this.theirs));
  }

  /** Keep what was edited here, knowing theirs. */
  keep() {
    if (!this.theirs) return;
    const ids = new Map(this.#mine(this.theirs).map(({ key, id }) => [key, id]));
    this.#base = this.#mine(this.theirs);
    this.items = this.items.map((item) => ({ ...item, id: ids.get(item.key) ?? null }));
    this.theirs = null;
    this.#tell("shape");
  }

  /** @param {string} key */
  item(key) {
    return this.items.find((item) => item.key === key);
  }

  /**
   * Change words of a subtask.
   * @param {string} key
   * @param {Partial<Pick<DraftItem, "title" | "assignee" | "instructions">>} fields
   */
  change(key, fields) {
    this.items = this.items.map((item) => (item.key === key ? { ...item, ...fields } : item));
    this.#tell("text");
  }

  /**
   * Add a subtask, after those that are named; gives its key.
   * @param {string} assignee
   * @param {string[]} [after]
   */
  add(assignee, after = []) {
    const taken = new Set([...this.items.map(({ key }) => key), ...this.#there, ...this.#base.map(({ key }) => key)]);
    let n = this.items.length + 1;
    while (taken.has(`step-${n}`)) n += 1;
    const key = `step-${n}`;
    this.items = [...this.items, { key, id: null, title: "", assignee, instructions: "", depends_on: [...after] }];
    this.#tell("shape");
    return key;
  }

  /** Remove a subtask; nobody waits for it any more. @param {string} key */
  remove(key) {
    this.items = this.items
      .filter((item) => item.key !== key)
      .map((item) => ({ ...item, depends_on: item.depends_on.filter((need) => need !== key) }));
    this.#tell("shape");
  }

  /**
   * Let `to` wait for `from`. Gives the circle that this would close, in which case nothing is changed.
   * @param {string} from
   * @param {string} to
   * @returns {string[]}
   */
  connect(from, to) {
    const circle = circleOf(this.items, from, to);
    if (circle.length || this.item(to)?.depends_on.includes(from)) return circle;
    this.#needs(to, (needs) => [...needs, from]);
    return [];
  }

  /** Let `to` wait for `from` no longer. @param {string} from @param {string} to */
  disconnect(from, to) {
    this.#needs(to, (needs) => needs.filter((need) => need !== from));
  }

  /** @param {string} key @param {(needs: string[]) => string[]} change */
  #needs(key, change) {
    this.items = this.items.map((item) => (item.key === key ? { ...item, depends_on: change(item.depends_on) } : item));
    this.#tell("shape");
  }

  /** What of a plan can be edited. @param {Plan} plan */
  #mine(plan) {
    return plan.subtasks.filter(({ key }) => !this.#there.has(key)).map(asDraft);
  }

  /** @param {"text" | "shape"} what */
  #tell(what) {
    this.dispatchEvent(new CustomEvent("change", { detail: what }));
  }
}
