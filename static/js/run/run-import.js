/**
 * <run-import>: opens a run from a JSON file, chosen or dropped, and shows it as a run's own page does. The browser
 * reads the file; nothing of it is sent anywhere. Its page follows nothing and carries what shows a run: it goes
 * without htmx.
 *
 * @import { LogFile } from "./log-file.js"
 */

import "./stars-run.js";
import { find, h, icon, ref, show, text } from "../lib/dom.js";
import { fill, gettext } from "../lib/i18n.js";
import { inert } from "../lib/inert.js";
import { bytes, moment } from "../lib/time.js";
import { Unreadable, checkSize, readLogFile } from "./log-file.js";
import { fetchParts } from "./parts.js";

class RunImport extends HTMLElement {
  connectedCallback() {
    this.input = find(this, "input[type=file]", HTMLInputElement);
    this.input.addEventListener("change", () => this.#open(this.input?.files?.[0]));
    ref(this, "other").addEventListener("click", () => this.input?.click());
    this.addEventListener("dragover", (event) => event.preventDefault());
    for (const [name, over] of /** @type {const} */ ([["dragenter", true], ["dragleave", false], ["drop", false]])) {
      this.addEventListener(name, () => this.classList.toggle("is-dropping", over));
    }
    this.addEventListener("drop", (event) => {
      event.preventDefault();
      this.#open(event.dataTransfer?.files[0]);
    });
    // The server may be away by the time that a file is chosen, or that one of its views is opened. The graph would make
    // the page too heavy for those who have yet to choose: it comes with the first file.
    fetchParts("run-causes", "run-replay", "run-timeline", "run-votes");
  }

  /** @param {File | undefined} file */
  async #open(file) {
    if (!file) return;
    const fault = ref(this, "fault");
    show(fault, false);
    this.classList.add("is-busy");
    try {
      checkSize(file);
      this.#show(readLogFile(await file.text()), file.name);
    } catch (thrown) {
      const words = thrown instanceof Unreadable ? thrown.message : gettext("The browser could not read the file.");
      text(fault, words);
      show(fault, true);
    } finally {
      this.classList.remove("is-busy");
      if (this.input) this.input.value = ""; // the same file may be chosen again
    }
  }

  /** @param {LogFile} log @param {string} name */
  #show(log, name) {
    fetchParts("run-graph");
    const shell = document.importNode(find(this, "template", HTMLTemplateElement).content, true);
    const run = /** @type {import("./stars-run.js").StarsRun} */ (shell.querySelector("stars-run"));
    run.log = log;
    log.about.rendered = (markdown) => {
      const html = log.rendered.get(markdown);
      return html === undefined ? null : inert(html);
    };
    const [title = ""] = log.about.task.trim().split("\n", 1);
    text(ref(run, "title"), title);
    text(ref(run, "task"), log.about.task);
    show(find(run, ".run-task", HTMLElement), log.about.task.trim() !== title);
    text(ref(run, "group"), log.group);
    this.#facts(run, log);
    const taken = new Date(log.takenAt).toLocaleString(document.documentElement.lang || "en");
    text(ref(this, "from"), fill(gettext("%(name)s, as it stood on %(when)s"), { name, when: taken }));
    document.body.dataset.title = title;
    ref(this, "place").replaceChildren(shell);
    show(ref(this, "choose"), false);
    show(ref(this, "banner"), true);
    scrollTo(0, 0);
    ref(this, "place").focus({ preventScroll: true });
  }

  /** @param {HTMLElement} run @param {LogFile} log */
  #facts(run, { about, facts }) {
    const modes = JSON.parse(document.getElementById("mode-words")?.textContent ?? "{}");
    const words = {
      started: facts.started && moment(facts.started),
      mode: String(modes[about.mode] ?? about.mode),
      policy: { stop: gettext("stop"), continue: gettext("go on") }[facts.failurePolicy] ?? "",
      by: facts.by,
    };
    for (const [name, word] of Object.entries(words)) {
      text(ref(run, name), word);
      show(/** @type {HTMLElement} */ (ref(run, name).parentElement), Boolean(word));
    }
    const files = facts.attachments.map(({ name, size }) =>
      h("span", { class: "file-chip" }, icon("file"), h("span", { class: "file-chip-name" }, name), h("span", { class: "file-chip-size" }, bytes(size))),
    );
    ref(run, "files").replaceChildren(...files);
    show(/** @type {HTMLElement} */ (ref(run, "files").parentElement), files.length > 0);
  }
}

customElements.define("run-import", RunImport);
