/**
 * <state-editor check>: the form that edits a document, as JSON and, where its schema names properties, as fields. A
 * newer version takes the place of an untouched text; a text that somebody is working on stays, and the newer version
 * is only told of. What is not saved is kept in the tab: through a reload, a session that ended, a server that is away.
 *
 * @import { Known, Op } from "../sync/types.d.ts"
 * @import { Fault, JsonArea } from "./json-area.js"
 * @import { SchemaForm } from "./schema-form.js"
 */

import "./json-area.js";
import "./schema-form.js";
import { freshen } from "../lib/csrf.js";
import { field, find, h, ref, show, text } from "../lib/dom.js";
import { asRefused, post } from "../lib/http.js";
import { fill, gettext } from "../lib/i18n.js";
import { pretty } from "../lib/json-tree.js";
import { nameOf } from "../lib/names.js";
import { ago } from "../lib/time.js";
import { Drafts, tabStorage } from "../sync/drafts.js";
import { apply, Misfit } from "../sync/ops.js";

/** What the server said of a text that it did not take. */
const TOLD = "[role=alert]:not([data-ref=refused])";

class StateEditor extends HTMLElement {
  page = this.closest("state-page");
  form = find(this, "form", HTMLFormElement);
  fold = find(this, "details", HTMLDetailsElement);
  box = /** @type {JsonArea} */ (find(this, "json-area"));
  fields = /** @type {SchemaForm} */ (find(this, "schema-form"));
  area = find(this, "textarea", HTMLTextAreaElement);
  news = ref(this, "news");
  drafts = new Drafts(`${this.getAttribute("space")}/${this.getAttribute("state")}`, tabStorage());
  // What came back with a refusal or a collision is somebody's work, whatever the text was before.
  untouched = this.form.querySelector(TOLD) ? null : this.area.value;
  /** @type {Known | null} */
  #newer = null;
  #sending = false;
  #guard = (/** @type {Event} */ event) => this.#keepAway(event);

  connectedCallback() {
    this.page?.addEventListener("known", this);
    addEventListener("beforeunload", this.#guard);
    ref(this, "take").addEventListener("click", () => this.#newer && this.#take(this.#newer));
    ref(this, "resume").addEventListener("click", () => this.#resume());
    ref(this, "forget").addEventListener("click", () => this.#forget());
    ref(this, "discard").addEventListener("click", () => this.#discard());
    this.area.addEventListener("input", () => this.#changed());
    this.box.addEventListener("stars:written", () => this.#changed());
    this.box.addEventListener("stars:checked", (event) => this.fields.mark(/** @type {CustomEvent<{ faults: Fault[] }>} */ (event).detail.faults));
    this.fields.addEventListener("stars:edit", (event) => this.#edit(/** @type {CustomEvent<Op>} */ (event).detail));
    this.form.addEventListener("submit", (event) => this.#submit(event));
    this.form.addEventListener("change", () => this.#mark(false));
    for (const button of this.querySelectorAll("[data-as]")) button.addEventListener("click", () => this.#showAs(button.getAttribute("data-as") ?? "json"));
    this.#begin();
  }

  disconnectedCallback() {
    this.page?.removeEventListener("known", this);
    removeEventListener("beforeunload", this.#guard);
  }

  #begin() {
    // What is wrong is said beside the fields, by one voice: the server's.
    this.form.noValidate = true;
    this.fields.schema = JSON.parse(document.getElementById("state-schema")?.textContent || "null");
    const suits = this.fields.suits(this.box.data ?? {});
    show(ref(this, "as"), suits);
    this.#showAs(suits && this.untouched !== null ? "form" : "json");
    // After a save the page says how it ended.
    if (document.querySelector("#notices .notice")) this.drafts.drop();
    const draft = this.untouched === null ? null : this.drafts.find(this.area.value);
    if (!draft) return;
    const words = gettext("You have text here that was not saved, of %(when)s; it began with version %(n)s.");
    text(ref(this, "draft-words"), fill(words, { when: ago(new Date(draft.at).toISOString()), n: draft.version }));
    show(ref(this, "draft"), true);
  }

  get #dirty() {
    return this.untouched === null || this.area.value !== this.untouched;
  }

  // -- what is written ------------------------------------------------------------------------------------------

  #changed() {
    this.#showFields();
    const { version, uid } = this.#base;
    if (this.#dirty) this.drafts.keep({ text: this.area.value, version: version.value, uid: uid.value, at: Date.now() });
    else this.drafts.drop();
    show(ref(this, "draft"), false);
  }

  /** An entry of the form. @param {Op} op */
  #edit(op) {
    const data = this.box.data;
    if (data === undefined) return;
    try {
      this.box.write(pretty(apply(data, [op])));
    } catch (error) {
      if (!(error instanceof Misfit)) throw error;
    }
    this.#changed();
  }

  #showFields() {
    const data = this.box.data;
    if (data !== undefined) this.fields.show(data);
    this.fields.toggleAttribute("inert", data === undefined);
  }

  /** @param {string} way "form" or "json" */
  #showAs(way) {
    for (const button of this.querySelectorAll("[data-as]")) button.setAttribute("aria-pressed", String(button.getAttribute("data-as") === way));
    show(this.fields, way === "form");
    show(this.box, way === "json");
    if (way === "form") this.#showFields();
  }

  get #base() {
    return { version: field(this.form, "version"), uid: field(this.form, "uid"), head: field(this.form, "head") };
  }

  // -- drafts ---------------------------------------------------------------------------------------------------

  #resume() {
    const draft = this.drafts.find(this.area.value);
    show(ref(this, "draft"), false);
    if (!draft) return;
    const { version, uid } = this.#base;
    const newer = version.value !== draft.version && uid.value === draft.uid;
    // A text of an earlier life of the state is put upon the present one.
    if (newer) version.value = draft.version;
    this.box.write(draft.text);
    this.fold.open = true;
    this.#changed();
    this.area.focus();
  }

  #forget() {
    this.drafts.drop();
    show(ref(this, "draft"), false);
  }

  #discard() {
    this.#sending = true;
    this.drafts.drop();
  }

  /** Leaving with unsaved text is asked about. @param {Event} event */
  #keepAway(event) {
    if (this.#dirty && !this.#sending) event.preventDefault();
  }

  // -- saving ---------------------------------------------------------------------------------------------------

  /** Find out first whether the server is there and still knows us: the text must not leave the page otherwise. @param {SubmitEvent} event */
  async #submit(event) {
    if (this.#sending) return;
    event.preventDefault();
    const open = this.#mark(true);
    if (open) {
      this.#refuse(fill(gettext("Choose Mine or Theirs for %(path)s first; nothing was saved."), { path: open.getAttribute("data-path") ?? "" }));
      find(open, "input", HTMLInputElement).focus();
      return;
    }
    const button = find(this.form, ".form-foot [type=submit]", HTMLButtonElement);
    button.disabled = true;
    try {
      const { faults } = /** @type {{ faults: { text: string }[] }} */ (await post(this.getAttribute("check") ?? "", { text: this.area.value }));
      if (!faults.length) {
        this.#sending = true;
        freshen(this.form);
        this.form.submit();
        return;
      }
      this.#refuse(gettext("Mend what is marked first; nothing was saved."));
      if (!this.fields.hidden) this.fields.querySelector("[aria-invalid=true]")?.scrollIntoView({ block: "center" });
    } catch (error) {
      const refused = asRefused(error);
      const signedOut = refused.status === 401 || refused.status === 403;
      const kept = this.drafts.keep({ text: this.area.value, version: this.#base.version.value, uid: this.#base.uid.value, at: Date.now() });
      const safe = kept ? gettext("Nothing was saved; your text is kept here.") : gettext("Nothing was saved. Copy your text before you leave.");
      this.#refuse(`${refused.message} ${safe}`, signedOut);
    }
    button.disabled = false;
  }

  /** Mark (or only unmark) the colliding paths for which nothing is chosen; answers the first. @param {boolean} all */
  #mark(all) {
    const boxes = [...this.form.querySelectorAll(".state-sides")];
    const open = boxes.filter((box) => !box.querySelector("input:checked"));
    for (const box of all ? boxes : boxes.filter((one) => !open.includes(one))) {
      box.classList.toggle("has-error", open.includes(box));
      show(find(box, "[data-open]", HTMLElement), open.includes(box));
    }
    return open[0];
  }

  /** @param {string} words */
  #refuse(words, signedOut = false) {
    const place = ref(this, "refused");
    place.replaceChildren(words, signedOut ? " " : "", signedOut ? h("a", { href: location.href, target: "_blank" }, gettext("Sign in in another tab")) : "");
    show(place, true);
  }

  // -- newer versions -------------------------------------------------------------------------------------------

  /** @param {Event} event */
  handleEvent(event) {
    const { detail } = /** @type {CustomEvent<Known>} */ (event);
    const { version, uid, head } = this.#base;
    const shown = head.value || version.value;
    if (detail.uid === uid.value && String(detail.version) === shown) return;
    if (!this.#dirty) this.#take(detail);
    else this.#announce(detail, version.value);
  }

  /** @param {Known} newer @param {string} base */
  #announce(newer, base) {
    this.#newer = newer;
    const words = gettext("Version %(n)s by %(who)s has arrived; you are editing version %(base)s. Your text is kept, and is joined with it when you save.");
    text(ref(this, "words"), fill(words, { who: nameOf(newer.by), n: newer.version, base }));
    const diff = ref(this, "diff", HTMLAnchorElement);
    // Versions of different lives cannot be compared.
    if (show(diff, newer.uid === this.#base.uid.value)) diff.href = `${diff.href.split("?")[0]}?old=${base}&new=${newer.version}`;
    show(this.news, true);
  }

  /** @param {Known} newer */
  #take(newer) {
    const { version, uid, head } = this.#base;
    const { selectionStart, selectionEnd, scrollTop } = this.area;
    version.value = String(newer.version);
    uid.value = newer.uid;
    head.value = "";
    this.box.write(newer.text, { fresh: true });
    this.untouched = this.area.value;
    this.area.setSelectionRange(selectionStart, selectionEnd);
    this.area.scrollTop = scrollTop;
    this.drafts.drop();
    this.#showFields();
    for (const old of this.form.querySelectorAll(TOLD)) old.remove();
    show(this.news, false);
  }
}

customElements.define("state-editor", StateEditor);
