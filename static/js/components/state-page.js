/**
 * <state-page state space src seen uid version token revision>: knows what a state's page shows. Changes come by the
 * sync socket, from the page's own token on; while there is none, a poke makes it ask.
 *
 * Its parts hear `known` on it: {version, uid, data, text, by, blame, changed}. `stars:state` bubbles up as well, seldom
 * enough, for the parts that the server draws; `stars:blame` from within makes it ask who wrote what.
 *
 * @import { Blames, Change, Entry, Frame, Known, Standing, Value } from "../sync/types.d.ts"
 * @import { SyncDot } from "./sync-dot.js"
 *
 * @typedef {object} Account the server's
 * @property {string} seen
 * @property {number} version
 * @property {string} uid
 * @property {string} text
 * @property {string} by
 * @property {Blames} blame
 */

import "./sync-dot.js";
import { find, h, ref, show, text } from "../lib/dom.js";
import { get } from "../lib/http.js";
import { fill, gettext } from "../lib/i18n.js";
import { parse, pretty } from "../lib/json-tree.js";
import { keys } from "../lib/keys.js";
import { nameOf } from "../lib/names.js";
import { SharedDocument } from "../sync/document.js";
import { Drafts, tabStorage } from "../sync/drafts.js";
import { throttled } from "../sync/pace.js";
import { Replica } from "../sync/replica.js";
import { spaceSocket } from "../sync/socket.js";

/** Milliseconds between drawings, between requests for what the server draws, and between words for screen readers. */
const DRAW = 120;
const HEAD = 2_000;
const SAY = 5_000;

class StatePage extends HTMLElement {
  stateId = this.getAttribute("state") ?? "";
  /** @type {SyncDot | null} */
  dot = this.querySelector("sync-dot");
  voice = h("p", { class: "visually-hidden", role: "status" });
  /** @type {Map<string, string>} */
  changed = new Map();
  draw = throttled(() => this.#draw(), DRAW);
  renewHead = throttled(() => this.#renewHead(), HEAD);
  announce = throttled(() => this.#announce(), SAY);
  leave = () => {};
  forget = () => {};
  alone = false;
  #asking = false;
  #again = false;
  #data = /** @type {Value} */ (parse(find(this, "[data-text]").textContent ?? "{}"));
  document = new SharedDocument({ ...this.#begun, data: this.#data });
  replica = new Replica({
    states: [{ id: this.stateId, uid: this.#begun.uid, v: this.#begun.version, data: this.#data }],
    token: this.getAttribute("token") ?? "",
    revision: Number(this.getAttribute("revision")),
  });

  get #begun() {
    return { uid: this.getAttribute("uid") ?? "", version: Number(this.getAttribute("version")) };
  }

  get #seen() {
    return this.getAttribute("seen") ?? "";
  }

  connectedCallback() {
    document.body.addEventListener("stars:poke:states", this);
    document.body.addEventListener("stars:resync", this);
    this.addEventListener("stars:blame", this);
    this.append(this.voice);
    this.leave = spaceSocket(this.getAttribute("space") ?? "").subscribe([this.stateId], {
      replica: this.replica,
      changed: (changes, frame) => this.#take(changes, frame),
      told: (state) => this.#told(state),
    });
    // Who wrote what is worth a request of its own: the page need not wait for it.
    this.#ask("");
    this.#editor();
  }

  /** The editor comes when somebody opens it, or has unsaved text. */
  #editor() {
    const fold = this.querySelector("state-editor details");
    if (!(fold instanceof HTMLDetailsElement)) return;
    const draft = new Drafts(`${this.getAttribute("space")}/${this.stateId}`, tabStorage()).find("");
    const load = () => import("./state-editor.js").then(() => this.draw());
    const edit = () => {
      fold.open = true;
      find(fold, "summary").focus();
    };
    this.forget = keys.add({ section: gettext("Document"), keys: "e", text: gettext("Edit"), run: edit });
    if (fold.open || draft) load();
    else fold.addEventListener("toggle", load, { once: true });
  }

  disconnectedCallback() {
    document.body.removeEventListener("stars:poke:states", this);
    document.body.removeEventListener("stars:resync", this);
    this.removeEventListener("stars:blame", this);
    for (const each of [this.draw, this.renewHead, this.announce]) each.stop();
    this.leave();
    this.forget();
  }

  /**
   * A poke. While the socket brings the changes, or soon will, only what the server draws can be other than it was.
   *
   * @param {Event} event
   */
  handleEvent(event) {
    if (event.type === "stars:blame") {
      if (!this.#asking) this.#ask("");
      return;
    }
    const states = /** @type {CustomEvent<{ states?: string[] } | undefined>} */ (event).detail?.states;
    if (states?.length && !states.includes(this.stateId)) return;
    if (this.alone) this.#ask(this.#seen);
    else this.renewHead();
  }

  /** @param {Standing} state */
  #told(state) {
    const alone = state === "absent" || state === "refused";
    if (alone && !this.alone) this.#ask(this.#seen);
    this.alone = alone;
    this.dot?.tell(state);
    if (state === "refused") this.#end(gettext("You may not read this state any more."));
  }

  /** @param {Change[]} changes @param {Frame} frame */
  #take(changes, frame) {
    if (frame.t === "conflict") this.renewHead();
    for (const change of changes.filter(({ id }) => id === this.stateId)) {
      // After a reset a snapshot follows, which says more.
      if (change.kind === "reset") continue;
      if (change.kind === "revoked") this.#end(gettext("You may not read this state any more."));
      else if (!change.after) this.#end(this.#deleted(change.entry));
      else this.#change(change);
    }
  }

  /** @param {Change} change */
  #change(change) {
    show(ref(this, "ended"), false);
    for (const path of this.document.take(change)) this.changed.set(path, this.document.by);
    // Of a snapshot it is not known who wrote what.
    if (!change.entry) this.#ask("");
    this.draw();
    this.renewHead();
  }

  /** @param {Entry | undefined} entry */
  #deleted(entry) {
    if (!entry) return gettext("This state has been deleted.");
    return fill(gettext("%(who)s has deleted this state; its history is kept."), { who: nameOf(entry.by) });
  }

  /** @param {string} sentence */
  #end(sentence) {
    text(ref(this, "ended"), sentence);
    show(ref(this, "ended"), true);
  }

  /** One request at a time; pokes that come meanwhile are answered by one more. @param {string} seen */
  async #ask(seen) {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#asking = true;
    try {
      const known = await get(`${this.getAttribute("src")}?seen=${encodeURIComponent(seen)}`);
      if (known) this.#know(/** @type {Account} */ (known));
    } catch {
      // Gone, or not for us any more, or the server is away: the head's own request says which.
      if (this.alone) this.#renewHead();
    }
    this.#asking = false;
    if (this.#again) {
      this.#again = false;
      this.#ask(this.#seen);
    }
  }

  /** @param {Account} known */
  #know(known) {
    const changed = known.seen !== this.#seen;
    const before = this.document.version;
    this.setAttribute("seen", known.seen);
    const data = /** @type {Value} */ (parse(known.text));
    this.document.tell({ ...known, data });
    if (known.version > (this.replica.states.get(this.stateId)?.v ?? 0)) {
      this.replica.know({ id: this.stateId, uid: known.uid, v: known.version, data });
    }
    for (const [path, { version, agent }] of Object.entries(known.blame)) if (version > before) this.changed.set(path, agent);
    this.draw();
    if (changed) this.renewHead();
  }

  #draw() {
    const { uid, version, data, by, blame } = this.document;
    const changed = this.changed;
    this.changed = new Map();
    /** @type {Known} */
    const detail = { uid, version, data, by, blame, changed, get text() { return pretty(data); } };
    this.dispatchEvent(new CustomEvent("known", { detail }));
    if (Number(this.getAttribute("version")) === version) return;
    this.setAttribute("version", String(version));
    text(ref(this, "version"), String(version));
    if (by) ref(this, "written").replaceChildren(gettext("just now"), " ", fill(gettext("by %(who)s"), { who: nameOf(by) }));
    this.announce();
  }

  /** Whoever is at a button of the head is not disturbed; the next change renews it. */
  #renewHead() {
    const head = this.querySelector("#state-head");
    if (!head?.contains(document.activeElement)) this.dispatchEvent(new CustomEvent("stars:state", { bubbles: true }));
  }

  #announce() {
    const words = { n: this.document.version, who: nameOf(this.document.by) };
    text(this.voice, fill(gettext("Version %(n)s, written by %(who)s"), words));
  }
}

customElements.define("state-page", StatePage);
