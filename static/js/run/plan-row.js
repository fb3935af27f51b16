/** One subtask of a plan that is edited: its fields, what it waits for, and its faults. Everything goes to the draft. */

/** @import { About } from "../types.d.ts" */
/** @import { DraftItem, PlanDraft } from "./plan-draft.js" */

import { h, icon, show, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";

let serial = 0;

/**
 * Why one subtask cannot wait for another: the circle by its titles.
 * @param {PlanDraft} draft
 * @param {string[]} circle - keys, as `connect` gives them
 */
export function circleWords(draft, circle) {
  const titles = circle.map((key) => nameOf(draft.item(key)));
  if (titles.length === 2) return fill(gettext("“%(title)s” cannot wait for itself."), { title: titles[0] });
  return fill(gettext("They would wait for each other in a circle: %(path)s."), { path: titles.join(" → ") });
}

/** @param {DraftItem | undefined} item */
export const nameOf = (item) => item?.title.trim() || gettext("Untitled");

export class PlanRow {
  #key = "";

  /**
   * @param {PlanDraft} draft
   * @param {About["assignees"]} assignees
   */
  constructor(draft, assignees) {
    this.draft = draft;
    const id = `plan-${(serial += 1)}`;
    this.titleBox = h("input", { id: `${id}-title`, type: "text", maxLength: 200 });
    this.textBox = h("textarea", { id: `${id}-text`, rows: 2 });
    this.whoBox = h("select", { id: `${id}-who` }, ...assignees.map(({ value, label }) => h("option", { value }, label)));
    this.titleBox.addEventListener("input", () => draft.change(this.#key, { title: this.titleBox.value }));
    this.textBox.addEventListener("input", () => draft.change(this.#key, { instructions: this.textBox.value }));
    this.whoBox.addEventListener("change", () => draft.change(this.#key, { assignee: this.whoBox.value }));
    this.needsBox = h("div", { class: "needs" });
    this.number = h("span", { class: "plan-edit-number", "aria-hidden": "true" });
    this.remove = h("button", { type: "button", class: "icon-button", onclick: () => draft.remove(this.#key) }, icon("trash"));
    /** @type {Record<string, HTMLElement>} */
    this.errors = {
      depends_on: h("p", { class: "field-error", role: "alert", hidden: true }),
      key: h("p", { class: "field-error", hidden: true }),
    };
    this.node = h(
      "li",
      { class: "plan-edit-row" },
      this.number,
      h(
        "div",
        { class: "plan-edit-fields" },
        this.#field("title", gettext("Title"), this.titleBox),
        this.#field("assignee", gettext("Assignee"), this.whoBox),
        this.#field("instructions", gettext("Instructions"), this.textBox),
        h("div", { class: "field field-needs" }, this.needsBox, this.errors.depends_on, this.errors.key),
      ),
      this.remove,
    );
  }

  /** Show this subtask of the draft. What it shows already is left alone, so that the caret stays where it is. @param {DraftItem} item */
  draw(item) {
    const { items } = this.draft;
    const index = items.indexOf(item);
    if (item.key !== this.#key) this.clearFaults();
    this.#key = item.key;
    if (this.titleBox.value !== item.title) this.titleBox.value = item.title;
    if (this.textBox.value !== item.instructions) this.textBox.value = item.instructions;
    if (![...this.whoBox.options].some(({ value }) => value === item.assignee)) {
      this.whoBox.append(h("option", { value: item.assignee }, item.assignee));
    }
    if (this.whoBox.value !== item.assignee) this.whoBox.value = item.assignee;
    text(this.number, String(index + 1));
    this.remove.setAttribute("aria-label", fill(gettext("Remove subtask %(n)s"), { n: index + 1 }));
    this.#drawNeeds(item);
  }

  focus() {
    this.titleBox.focus();
  }

  clearFaults() {
    for (const error of Object.values(this.errors)) show(error, false);
  }

  /** Show a fault beside its field; false when there is no such field here. @param {string} field @param {string} message */
  fault(field, message) {
    const error = this.errors[field];
    if (!error) return false;
    text(error, message);
    return show(error, true);
  }

  /** @param {string} name @param {string} label @param {HTMLElement} box */
  #field(name, label, box) {
    const error = h("p", { class: "field-error", id: `${box.id}-fault`, hidden: true });
    this.errors[name] = error;
    box.setAttribute("aria-describedby", error.id);
    return h("div", { class: `field field-${name}` }, h("label", { htmlFor: box.id }, label), box, error);
  }

  /** What it waits for, and a choice of more. @param {DraftItem} item */
  #drawNeeds(item) {
    const others = this.draft.items.map((other, place) => ({ other, place })).filter(({ other }) => other.key !== item.key);
    show(this.needsBox, others.length > 0);
    const chosen = others.filter(({ other }) => item.depends_on.includes(other.key));
    const shape = JSON.stringify([item.key, others.length, ...chosen.map(({ other, place }) => [place, other.title])]);
    if (shape === this.needsBox.dataset.shape) return;
    this.needsBox.dataset.shape = shape;
    const chips = chosen.map(({ other, place }) => {
      const label = fill(gettext("No longer wait for %(title)s"), { title: nameOf(other) });
      const drop = () => {
        this.draft.disconnect(other.key, this.#key);
        this.needsBox.querySelector("select")?.focus();
      };
      const cross = h("button", { type: "button", "aria-label": label, onclick: drop }, icon("close"));
      return h("span", { class: "need" }, `${place + 1} ${nameOf(other)}`, cross);
    });
    this.needsBox.replaceChildren(h("span", { class: "needs-label" }, gettext("After")), ...chips, this.#more(item));
  }

  /** A choice of further ones; filled when it is opened, since 500 rows would offer 250,000. @param {DraftItem} item */
  #more(item) {
    const first = h("option", { value: "" }, item.depends_on.length ? gettext("and…") : gettext("nothing"));
    const box = h("select", { class: "needs-more", "aria-label": gettext("Wait for another subtask") }, first);
    const open = () => {
      if (box.options.length > 1) return;
      this.draft.items.forEach((other, place) => {
        if (other.key === item.key || item.depends_on.includes(other.key)) return;
        box.append(h("option", { value: other.key }, `${place + 1} ${nameOf(other)}`));
      });
    };
    for (const event of ["pointerdown", "focus", "keydown"]) box.addEventListener(event, open);
    box.addEventListener("change", () => {
      if (!box.value) return;
      const circle = this.draft.connect(box.value, this.#key);
      if (circle.length) {
        box.value = "";
        this.fault("depends_on", circleWords(this.draft, circle));
        return;
      }
      show(/** @type {HTMLElement} */ (this.errors.depends_on), false);
      this.needsBox.querySelector("select")?.focus();
    });
    return box;
  }
}
