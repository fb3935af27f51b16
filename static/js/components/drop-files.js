/**
 * <drop-files data-most>: a file input that takes several files by choosing, dropping or pasting, and lists them with
 * size and remove. What has more than `data-most` bytes is left out at once: the server would refuse it in the end.
 */

import { find, h, icon, show, text } from "../lib/dom.js";
import { fill, gettext, ngettext } from "../lib/i18n.js";
import { bytes } from "../lib/time.js";

class DropFiles extends HTMLElement {
  list = h("ul", { class: "drop-files-list", "aria-live": "polite" });
  fault = h("p", { class: "field-error", role: "alert", hidden: true });
  depth = 0;
  /** @type {File[]} */
  files = [];

  connectedCallback() {
    if (this.list.isConnected) return;
    this.append(this.list, this.fault);
    this.#input.addEventListener("change", () => this.#add([...(this.#input.files ?? [])]));
    const zone = this.#form;
    zone.addEventListener("dragenter", (event) => this.#over(event, 1));
    zone.addEventListener("dragleave", (event) => this.#over(event, -1));
    zone.addEventListener("dragover", (event) => this.#has(event) && event.preventDefault());
    zone.addEventListener("drop", (event) => {
      if (!this.#has(event)) return;
      event.preventDefault();
      this.#over(event, -this.depth);
      this.#add([...(event.dataTransfer?.files ?? [])]);
    });
    zone.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) this.#add(files);
    });
  }

  get #input() {
    return find(this, "input[type=file]", HTMLInputElement);
  }

  /** The whole form takes the drop: nobody should have to aim. */
  get #form() {
    return /** @type {HTMLFormElement} */ (this.closest("form"));
  }

  /** @param {DragEvent} event */
  #has(event) {
    return event.dataTransfer?.types.includes("Files");
  }

  /**
   * @param {DragEvent} event
   * @param {number} step
   */
  #over(event, step) {
    if (!this.#has(event)) return;
    this.depth = Math.max(0, this.depth + step);
    this.#form.classList.toggle("is-dropping", this.depth > 0);
  }

  /** @param {File[]} files */
  #add(files) {
    const known = new Set(this.files.map((file) => `${file.name}:${file.size}:${file.lastModified}`));
    const most = Number(this.dataset.most) || Infinity;
    const tooLarge = files.filter((file) => file.size > most).map(({ name }) => name);
    const words = ngettext("%(names)s is larger than %(most)s, and was left out.", "%(names)s are larger than %(most)s, and were left out.", tooLarge.length);
    if (show(this.fault, tooLarge.length > 0)) text(this.fault, fill(words, { names: tooLarge.join(", "), most: bytes(most) }));
    for (const file of files) {
      if (file.size <= most && !known.has(`${file.name}:${file.size}:${file.lastModified}`)) this.files.push(file);
    }
    this.#keep();
  }

  #keep() {
    const transfer = new DataTransfer();
    for (const file of this.files) transfer.items.add(file);
    this.#input.files = transfer.files;
    this.list.replaceChildren(...this.files.map((file) => this.#row(file)));
  }

  /** @param {File} file */
  #row(file) {
    const remove = () => {
      this.files = this.files.filter((other) => other !== file);
      this.#keep();
      this.#input.focus();
    };
    return h(
      "li",
      { class: "file-chip" },
      icon("file"),
      h("span", { class: "file-chip-name", title: file.name }, file.name),
      h("span", { class: "file-chip-size" }, bytes(file.size)),
      h(
        "button",
        { type: "button", onclick: remove, "aria-label": fill(gettext("Remove %(name)s"), { name: file.name }) },
        icon("close"),
      ),
    );
  }
}

customElements.define("drop-files", DropFiles);
