/**
 * <merge-rules for>: the merge strategies that a schema names, path by path, as a list to edit. The schema's own field
 * is written by it, and read again when somebody writes there.
 *
 * @import { JsonArea } from "./json-area.js"
 * @import { Rule, Schema } from "../sync/rules.js"
 */

import { h, icon, ref, show } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { pretty } from "../lib/json-tree.js";
import { faultOf, rulesOf, withRule } from "../sync/rules.js";

class MergeRules extends HTMLElement {
  area = document.getElementById(this.getAttribute("for") ?? "");
  box = /** @type {JsonArea | null | undefined} */ (this.area?.closest("json-area"));
  #shown = "";
  #read = () => this.#draw();

  connectedCallback() {
    if (!this.box) return;
    show(this, true);
    this.box.addEventListener("input", this.#read);
    this.box.addEventListener("stars:written", this.#read);
    this.#draw();
  }

  disconnectedCallback() {
    this.box?.removeEventListener("input", this.#read);
    this.box?.removeEventListener("stars:written", this.#read);
  }

  /** @returns {Schema | undefined} undefined while the text is no JSON */
  get #schema() {
    if (!this.box) return undefined;
    return this.box.area.value.trim() ? this.box.data : {};
  }

  #draw() {
    const schema = this.#schema;
    this.toggleAttribute("inert", schema === undefined);
    if (schema === undefined) return;
    const rules = rulesOf(schema);
    const shown = JSON.stringify(rules);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const add = h("button", { type: "button", class: "button button-small", onclick: () => this.#add() }, icon("plus"), gettext("Add a rule"));
    ref(this, "rules").replaceChildren(...rules.map((rule) => this.#row(rule)), add);
  }

  /** A line of its own; without a path yet it is not written. @param {Rule | null} rule */
  #row(rule) {
    const path = h("input", { class: "rule-path", value: rule?.path ?? "/", "aria-label": gettext("Path"), spellcheck: false, autocapitalize: "off" });
    const strategy = h("input", { class: "rule-strategy", value: rule?.strategy ?? "", "aria-label": gettext("Strategy"), placeholder: gettext("strategy"), list: "strategies", spellcheck: false });
    const fault = h("span", { class: "field-error" });
    const write = () => {
      const wrong = faultOf(path.value.trim());
      fault.textContent = wrong === "slash" ? gettext("A path begins with /.") : wrong === "tilde" ? gettext("~ is written ~0 in a path.") : "";
      if (wrong || !strategy.value.trim()) return;
      this.#write(rule, { path: path.value.trim(), strategy: strategy.value.trim() });
    };
    path.addEventListener("change", write);
    strategy.addEventListener("change", write);
    const words = gettext("Remove the rule");
    const remove = h("button", { type: "button", class: "icon-button", title: words, "aria-label": words, onclick: () => (rule ? this.#write(rule, null) : line.remove()) }, icon("trash"));
    const line = h("div", { class: "rule" }, path, strategy, remove, fault);
    return line;
  }

  #add() {
    const line = this.#row(null);
    ref(this, "rules").lastElementChild?.before(line);
    line.querySelector("input")?.focus();
  }

  /** @param {Rule | null} old @param {Rule | null} rule */
  #write(old, rule) {
    let schema = this.#schema;
    if (schema === undefined || !this.box) return;
    if (old && old.path !== rule?.path) schema = withRule(schema, old.path, "");
    if (rule) schema = withRule(schema, rule.path, rule.strategy);
    this.box.write(pretty(schema));
    this.box.area.dispatchEvent(new Event("change", { bubbles: true }));
    this.#draw();
  }
}

customElements.define("merge-rules", MergeRules);
