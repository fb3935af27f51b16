/** <drop-files>: a file input that takes several files by choosing, dropping or pasting, and lists them with size and remove. */

import { h, icon } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { bytes } from "../lib/time.js";

class DropFiles extends HTMLElement {
  connectedCallback() {
    if (this.input) return;
    this.input = this.querySelector("input[type=file]");
    this.list = h("ul", { class: "drop-files-list", "aria-live": "polite" });
    this.append(this.list);
    this.files = [];
    this.depth = 0;
    this.input.addEventListener("change", () => this.#add([...this.input.files]));
    // The whole form takes the drop: nobody should have to aim.
    const zone = this.closest("form");
    zone.addEventListener("dragenter", (event) => this.#over(event, 1));
    zone.addEventListener("dragleave", (event) => this.#over(event, -1));
    zone.addEventListener("dragover", (event) => this.#has(event) && event.preventDefault());
    zone.addEventListener("drop", (event) => {
      if (!this.#has(event)) return;
      event.preventDefault();
      this.#over(event, -this.depth);
      this.#add([...event.dataTransfer.files]);
    });
    zone.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) this.#add(files);
    });
  }

  #has(event) {
    return event.dataTransfer?.types.includes("Files");
  }

  #over(event, step) {
    if (!this.#has(event)) return;
    this.depth = Math.max(0, this.depth + step);
    this.closest("form").classList.toggle("is-dropping", this.depth > 0);
  }

  #add(files) {
    const known = new Set(this.files.map((file) => `${file.name}:${file.size}:${file.lastModified}`));
    for (const file of files) {
      if (!known.has(`${file.name}:${file.size}:${file.lastModified}`)) this.files.push(file);
    }
    this.#keep();
  }

  #keep() {
    const transfer = new DataTransfer();
    for (const file of this.files) transfer.items.add(file);
    this.input.files = transfer.files;
    this.list.replaceChildren(...this.files.map((file) => this.#row(file)));
  }

  #row(file) {
    const remove = () => {
      this.files = this.files.filter((other) => other !== file);
      this.#keep();
      this.input.focus();
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
