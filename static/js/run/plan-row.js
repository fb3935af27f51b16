/** One subtask in the plan editor: its fields, what it waits for, and its faults. Fires plan:remove and plan:rename. */

import { h, icon, show, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";

let serial = 0;

export class PlanRow {
  constructor(item, assignees) {
    this.item = item;
    this.needs = new Set(item.depends_on ?? []);
    const id = `plan-${(serial += 1)}`;
    this.titleBox = h("input", { id: `${id}-title`, type: "text", maxLength: 200, value: item.title });
    this.titleBox.addEventListener("change", () => this.#tell("plan:rename"));
    this.textBox = h("textarea", { id: `${id}-text`, rows: 2, value: item.instructions ?? "" });
    this.whoBox = h("select", { id: `${id}-who` }, ...assignees.map(({ value, label }) => h("option", { value }, label)));
    if (!assignees.some(({ value }) => value === item.assignee)) {
      this.whoBox.append(h("option", { value: item.assignee }, item.assignee));
    }
    this.whoBox.value = item.assignee;
    this.needsBox = h("div", { class: "needs" });
    this.number = h("span", { class: "plan-edit-number", "aria-hidden": "true" });
    this.remove = h("button", { type: "button", class: "icon-button", onclick: () => this.#tell("plan:remove") }, icon("trash"));
    this.errors = {};
    const field = (name, label, box) => {
      this.errors[name] = h("p", { class: "field-error", id: `${box.id}-fault`, hidden: true });
      box.setAttribute("aria-describedby", `${box.id}-fault`);
      return h("div", { class: `field field-${name}` }, h("label", { htmlFor: box.id }, label), box, this.errors[name]);
    };
    this.errors.depends_on = h("p", { class: "field-error", hidden: true });
    this.errors.key = h("p", { class: "field-error", hidden: true });
    this.node = h(
      "li",
      { class: "plan-edit-row" },
      this.number,
      h(
        "div",
        { class: "plan-edit-fields" },
        field("title", gettext("Title"), this.titleBox),
        field("assignee", gettext("Assignee"), this.whoBox),
        field("instructions", gettext("Instructions"), this.textBox),
        h("div", { class: "field field-needs" }, this.needsBox, this.errors.depends_on, this.errors.key),
      ),
      this.remove,
    );
  }

  get key() {
    return this.item.key;
  }

  get title() {
    return this.titleBox.value.trim();
  }

  /** The subtask as the API takes it. */
  get value() {
    const { key, id = null } = this.item;
    return {
      key,
      id,
      title: this.title,
      assignee: this.whoBox.value,
      instructions: this.textBox.value,
      depends_on: [...this.needs],
    };
  }

  focus() {
    this.titleBox.focus();
  }

  /** Show which of the other subtasks this one may wait for; `index` is its own place. */
  offer(others, index) {
    text(this.number, String(index + 1));
    this.remove.setAttribute("aria-label", fill(gettext("Remove subtask %(n)s"), { n: index + 1 }));
    const choices = others.map((other, place) => ({ ...other, place })).filter(({ key }) => key !== this.key);
    this.needsBox.hidden = !choices.length;
    const chosen = choices.filter(({ key }) => this.needs.has(key));
    const change = () => {
      this.#tell("input");
      this.offer(others, index);
    };
    this.needsBox.replaceChildren(
      h("span", { class: "needs-label" }, gettext("After")),
      ...chosen.map((choice) => this.#need(choice, change)),
      this.#more(choices.filter(({ key }) => !this.needs.has(key)), change),
    );
  }

  /** A subtask is gone: nobody waits for it. */
  forget(key) {
    this.needs.delete(key);
  }

  clearFaults() {
    for (const error of Object.values(this.errors)) show(error, false);
  }

  /** Show a fault beside its field; false when there is no such field here. */
  fault(field, message) {
    const error = this.errors[field];
    if (!error) return false;
    text(error, message);
    return show(error, true);
  }

  #need({ key, title, place }, change) {
    const label = fill(gettext("No longer wait for %(title)s"), { title });
    const drop = () => {
      this.needs.delete(key);
      change();
    };
    const cross = h("button", { type: "button", "aria-label": label, onclick: drop }, icon("close"));
    return h("span", { class: "need" }, `${place + 1} ${title}`, cross);
  }

  /** A choice of further ones; filled when it is opened, since 500 rows would offer 250,000. */
  #more(choices, change) {
    const first = h("option", { value: "" }, this.needs.size ? gettext("and…") : gettext("nothing"));
    const box = h("select", { class: "needs-more", "aria-label": gettext("Wait for another subtask") }, first);
    const open = () => {
      if (box.options.length > 1) return;
      box.append(...choices.map(({ key, title, place }) => h("option", { value: key }, `${place + 1} ${title}`)));
    };
    for (const event of ["pointerdown", "focus", "keydown"]) box.addEventListener(event, open);
    box.addEventListener("change", () => {
      if (!box.value) return;
      this.needs.add(box.value);
      change();
    });
    box.hidden = !choices.length;
    return box;
  }

  #tell(name) {
    this.node.dispatchEvent(new CustomEvent(name, { bubbles: true, detail: this }));
  }
}
