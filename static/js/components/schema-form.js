/**
 * <schema-form>: the properties that a state's schema names as fields of a form. Each change is told as `stars:edit`,
 * an operation on the document; what the document is, and what is wrong with it, it is told by `show` and `mark`.
 *
 * @import { Op, Value } from "../sync/types.d.ts"
 * @import { Field, Schema } from "../sync/fields.js"
 */

import { h } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { pretty } from "../lib/json-tree.js";
import { beside, everyField, fieldsOf, opOf, wordsOf } from "../sync/fields.js";

/** Kinds of inputs for the formats of a schema. @type {Record<string, string>} */
const FORMATS = { date: "date", time: "time", email: "email", uri: "url" };

export class SchemaForm extends HTMLElement {
  /** @type {Schema | null} */
  schema = null;
  /** @type {Field[]} */
  #fields = [];
  /** What the form was made for: another shape is drawn anew. */
  #shape = "";

  /** Whether there is anything to fill in. @param {Value} data */
  suits(data) {
    return fieldsOf(this.schema, data).length > 0;
  }

  /** Show a document; whoever writes in a field is not disturbed. @param {Value} data */
  show(data) {
    this.#fields = fieldsOf(this.schema, data);
    const shape = everyField(this.#fields).map(({ path, kind }) => `${path} ${kind}`).join("\n");
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.replaceChildren(...this.#fields.map((field) => this.#field(field)), h("p", { class: "hint schema-rest", hidden: true }));
    }
    for (const field of everyField(this.#fields)) {
      const input = this.#input(field.path);
      if (input && input !== document.activeElement && input.value !== wordsOf(field)) input.value = wordsOf(field);
    }
    const rest = beside(this.#fields, data);
    const hint = this.querySelector(".schema-rest");
    if (hint instanceof HTMLElement) {
      hint.hidden = !rest.length;
      hint.textContent = fill(gettext("Only in the JSON: %(names)s"), { names: rest.join(", ") });
    }
  }

  /** Say beside each field what is wrong with it. @param {{ path: string | null, text: string }[]} faults */
  mark(faults) {
    for (const field of everyField(this.#fields)) {
      const box = this.#box(field.path);
      const mine = faults.filter(({ path }) => path === field.path || (field.kind !== "group" && path?.startsWith(`${field.path}/`)));
      const error = box?.querySelector(":scope > .field-error");
      if (error) error.textContent = mine.map((fault) => fault.text).join(" ");
      this.#input(field.path)?.setAttribute("aria-invalid", String(mine.length > 0));
    }
  }

  /** @param {string} path */
  #box(path) {
    return [...this.querySelectorAll("[data-field]")].find((each) => each.getAttribute("data-field") === path);
  }

  /** @param {string} path */
  #input(path) {
    return /** @type {HTMLInputElement | null | undefined} */ (this.#box(path)?.querySelector(":scope > [data-input]"));
  }

  /** @param {Field} field @returns {HTMLElement} */
  #field(field) {
    const id = `schema-${field.path}`;
    const required = field.required ? " is-required" : "";
    const help = field.help ? h("p", { class: "field-help", id: `${id}-help` }, field.help) : "";
    if (field.kind === "group") {
      return h("fieldset", { class: "schema-group", "data-field": field.path }, h("legend", {}, field.label), help, ...field.fields.map((each) => this.#field(each)), h("p", { class: "field-error" }));
    }
    return h(
      "div",
      { class: `field${required}`, "data-field": field.path },
      h("label", { htmlFor: id }, field.label),
      this.#control(field, id),
      help,
      h("p", { class: "field-error", id: `${id}-error` }),
    );
  }

  /** @param {Field} field @param {string} id */
  #control(field, id) {
    const { kind, path } = field;
    const common = { id, "data-input": "", "aria-describedby": `${id}-help ${id}-error` };
    if (kind === "choice" || kind === "yes") {
      const choices = kind === "yes" ? [true, false] : field.choices;
      const nothing = field.required ? gettext("choose…") : gettext("nothing");
      const change = (/** @type {Event} */ event) => this.#edit(path, /** @type {HTMLSelectElement} */ (event.target).value);
      const words = (/** @type {Value} */ each) => (each === true ? gettext("yes") : each === false ? gettext("no") : typeof each === "string" ? each : pretty(each));
      return h("select", { ...common, onchange: change }, h("option", { value: "" }, nothing), ...choices.map((each) => h("option", { value: pretty(each) }, words(each))));
    }
    const write = (/** @type {Event} */ event) => this.#edit(path, /** @type {HTMLInputElement} */ (event.target).value);
    if (kind === "long" || kind === "lines" || kind === "json") {
      const code = kind === "json" ? "code" : "";
      const placeholder = kind === "lines" ? gettext("one per line") : "";
      return h("textarea", { ...common, class: code, rows: kind === "json" ? 5 : 3, placeholder, oninput: write, spellcheck: kind === "long" });
    }
    const limits = Object.fromEntries(field.limits.map((each) => each.split("=")));
    // A browser's number field shows nothing of numbers beyond what it counts: these stay texts.
    const type = kind === "text" ? FORMATS[field.format] ?? "text" : "text";
    const input = h("input", { ...common, type, inputMode: kind === "whole" ? "numeric" : kind === "number" ? "decimal" : "", oninput: write });
    if (kind === "text") for (const [name, value] of Object.entries(limits)) input.setAttribute(name, value ?? "");
    return input;
  }

  /** @param {string} path @param {string} words */
  #edit(path, words) {
    const field = everyField(this.#fields).find((each) => each.path === path);
    const op = field && opOf(field, words);
    const error = this.#box(path)?.querySelector(":scope > .field-error");
    if (error) error.textContent = op ? "" : gettext("This is not a value of the kind that is wanted here.");
    if (op) this.dispatchEvent(new CustomEvent("stars:edit", { detail: op }));
  }
}

customElements.define("schema-form", SchemaForm);
