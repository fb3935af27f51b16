/**
 * <plan-editor>: the proposed plan while it awaits approval: change, add, remove subtasks, save or approve.
 * What the person has typed stays when the plan is proposed anew by someone else, until it is saved or discarded.
 */

import { h, show, text } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { post } from "../lib/http.js";
import { notify } from "../lib/notices.js";
import { PlanRow } from "./plan-row.js";

class PlanEditor extends HTMLElement {
  connectedCallback() {
    this.rowsBox = this.querySelector("[data-ref=rows]");
    this.note = this.querySelector("[data-ref=note]");
    this.fault = this.querySelector("[data-ref=fault]");
    this.buttons = [...this.querySelectorAll("button[data-do]")];
    this.rows = [];
    this.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-do]");
      if (button) this.#do(button.dataset.do);
    });
    this.addEventListener("input", () => this.#dirty(true));
    this.addEventListener("plan:remove", (event) => this.#remove(event.detail));
    this.addEventListener("plan:rename", () => this.#offerKeys());
  }

  draw(view, before) {
    if (!show(this, view.status === "awaiting_approval")) {
      this.plan = null;
      return;
    }
    if (before && view.plan === this.plan) return;
    if (this.changed && this.plan) {
      notify(gettext("The plan was changed by somebody else; yours is kept here until you save or discard it."));
      this.latest = view.plan;
      return;
    }
    // Of a further plan only what is new can be changed; the rest is there already.
    this.there = new Set(Object.keys(view.subtasks));
    this.#open(view.plan);
  }

  #open(plan) {
    this.plan = this.latest = plan;
    text(this.note, plan.note ?? "");
    this.note.hidden = !plan.note;
    this.rows = plan.subtasks.filter(({ id }) => !this.there.has(id)).map((item) => this.#row(item));
    this.rowsBox.replaceChildren(...this.rows.map((row) => row.node));
    this.#offerKeys();
    this.#dirty(false);
    this.#faults({});
    for (const button of this.buttons) button.disabled = !this.about.can_steer;
    this.querySelector("fieldset").disabled = !this.about.can_steer;
  }

  #row(item) {
    return new PlanRow(item, this.about.assignees);
  }

  #offerKeys() {
    const others = this.rows.map((row) => ({ key: row.key, title: row.title }));
    this.rows.forEach((row, index) => row.offer(others, index));
    text(this.querySelector("[data-ref=count]"), String(this.rows.length));
  }

  #remove(row) {
    this.rows = this.rows.filter((other) => other !== row);
    row.node.remove();
    for (const other of this.rows) other.forget(row.key);
    this.#offerKeys();
    this.#dirty(true);
  }

  #add() {
    const taken = new Set([...this.rows.map((row) => row.key), ...this.plan.subtasks.map(({ key }) => key)]);
    let n = this.rows.length + 1;
    while (taken.has(`step-${n}`)) n += 1;
    const assignee = this.about.assignees[0]?.value ?? "";
    const row = this.#row({ key: `step-${n}`, title: "", instructions: "", assignee, depends_on: [] });
    this.rows.push(row);
    this.rowsBox.append(row.node);
    this.#offerKeys();
    this.#dirty(true);
    row.focus();
  }

  #dirty(changed) {
    this.changed = changed;
    for (const button of this.buttons) {
      if (["save", "discard"].includes(button.dataset.do)) button.hidden = !changed;
      if (button.dataset.do === "approve") {
        text(button.querySelector("span"), changed ? gettext("Save and approve") : gettext("Approve plan"));
      }
    }
  }

  async #do(what) {
    if (what === "add") return this.#add();
    if (what === "discard") return this.#open(this.latest);
    const plan = { note: this.plan.note ?? "", subtasks: this.rows.map((row) => row.value) };
    const changed = this.changed;
    this.#busy(true);
    try {
      if (what === "save") await post(this.about.urls.plan, { plan });
      else await post(this.about.urls.approve, changed ? { plan } : {});
      this.#dirty(false);
      this.#faults({});
    } catch (refused) {
      this.#faults(refused.fields, refused.message);
    } finally {
      this.#busy(false);
    }
  }

  #busy(busy) {
    for (const button of this.buttons) button.disabled = busy || !this.about.can_steer;
  }

  /** Faults are named `subtasks[2].title`; each goes beside its field, the rest above the buttons. */
  #faults(fields, message = "") {
    for (const row of this.rows) row.clearFaults();
    const rest = [];
    for (const [name, messages] of Object.entries(fields)) {
      const [, index, field] = /^subtasks\[(\d+)\]\.(\w+)/.exec(name) ?? [];
      const placed = index !== undefined && this.rows[Number(index)]?.fault(field, messages.join(" "));
      if (!placed) rest.push(...messages);
    }
    text(this.fault, rest.join(" ") || message);
    this.fault.hidden = !this.fault.textContent;
  }
}

customElements.define("plan-editor", PlanEditor);
