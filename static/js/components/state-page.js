/**
 * <state-page state space src seen uid version token revision>: knows what a state's page shows. Changes come by the
 * sync socket, from the page's own token on; while there is none, a poke makes it ask.
 *
 * Its parts hear `known` on it: {version, uid, data, text, by, blame, changed}. `stars:state` bubbles up as well, seldom
 * enough, for the parts that the server draws.
 */

import "./sync-dot.js";
import { h, show, text } from "../lib/dom.js";
import { get } from "../lib/http.js";
import { fill, gettext } from "../lib/i18n.js";
import { parse, pretty } from "../lib/json-tree.js";
import { nameOf } from "../lib/names.js";
import { SharedDocument } from "../sync/document.js";
import { throttled } from "../sync/pace.js";
import { Replica } from "../sync/replica.js";
import { spaceSocket } from "../sync/socket.js";

/** Milliseconds between drawings, between requests for what the server draws, and between words for screen readers. */
const DRAW = 120;
const HEAD = 2_000;
const SAY = 5_000;

class StatePage extends HTMLElement {
  connectedCallback() {
    document.body.addEventListener("stars:poke:states", this);
    document.body.addEventListener("stars:resync", this);
    this.stateId = this.getAttribute("state");
    this.dot = this.querySelector("sync-dot");
    this.changed = new Set();
    this.draw = throttled(() => this.#draw(), DRAW);
    this.renewHead = throttled(() => this.#renewHead(), HEAD);
    this.announce = throttled(() => this.#announce(), SAY);
    this.#follow();
    // Who wrote what is worth a request of its own: the page need not wait for it.
    this.#ask("");
  }

  disconnectedCallback() {
    document.body.removeEventListener("stars:poke:states", this);
    document.body.removeEventListener("stars:resync", this);
    for (const each of [this.draw, this.renewHead, this.announce]) each.stop();
    this.leave();
  }

  #follow() {
    const [uid, version] = [this.getAttribute("uid"), Number(this.getAttribute("version"))];
    const data = parse(this.querySelector("[data-text]").textContent);
    this.document = new SharedDocument({ uid, version, data });
    this.replica = new Replica({
      states: [{ id: this.stateId, uid, v: version, data }],
      token: this.getAttribute("token"),
      revision: Number(this.getAttribute("revision")),
    });
    this.leave = spaceSocket(this.getAttribute("space")).subscribe([this.stateId], {
      replica: this.replica,
      changed: (changes, frame) => this.#take(changes, frame),
      told: (state) => this.#told(state),
    });
  }

  /** A poke. While the socket brings the changes, or soon will, only what the server draws can be other than it was. */
  handleEvent({ detail }) {
    const states = detail?.states;
    if (states?.length && !states.includes(this.stateId)) return;
    if (this.alone) this.#ask(this.getAttribute("seen"));
    else this.renewHead();
  }

  #told(state) {
    const alone = state === "absent" || state === "refused";
    if (alone && !this.alone) this.#ask(this.getAttribute("seen"));
    this.alone = alone;
    this.dot?.tell(state);
    if (state === "refused") this.#end(gettext("You may not read this state any more."));
  }

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

  #change(change) {
    show(this.#ref("ended"), false);
    for (const path of this.document.take(change)) this.changed.add(path);
    // Of a snapshot it is not known who wrote what.
    if (!change.entry) this.#ask("");
    this.draw();
    this.renewHead();
  }

  #deleted(entry) {
    if (!entry) return gettext("This state has been deleted.");
    return fill(gettext("%(who)s has deleted this state; its history is kept."), { who: nameOf(entry.by) });
  }

  #end(sentence) {
    text(this.#ref("ended"), sentence);
    show(this.#ref("ended"), true);
  }

  /** One request at a time; pokes that come meanwhile are answered by one more. */
  async #ask(seen) {
    if (this.asking) {
      this.again = true;
      return;
    }
    this.asking = true;
    try {
      const known = await get(`${this.getAttribute("src")}?seen=${encodeURIComponent(seen)}`);
      if (known) this.#know(known);
    } catch {
      // Gone, or not for us any more, or the server is away: the head's own request says which.
      if (this.alone) this.#renewHead();
    }
    this.asking = false;
    if (this.again) {
      this.again = false;
      this.#ask(this.getAttribute("seen"));
    }
  }

  #know(known) {
    const changed = known.seen !== this.getAttribute("seen");
    const before = this.document.version;
    this.setAttribute("seen", known.seen);
    const data = parse(known.text);
    this.document.tell({ ...known, data });
    if (known.version > (this.replica.states.get(this.stateId)?.v ?? 0)) {
      this.replica.know({ id: this.stateId, uid: known.uid, v: known.version, data });
    }
    for (const [path, { version }] of Object.entries(known.blame)) if (version > before) this.changed.add(path);
    this.draw();
    if (changed) this.renewHead();
  }

  #draw() {
    const { uid, version, data, by, blame } = this.document;
    const changed = this.changed;
    this.changed = new Set();
    const detail = { uid, version, data, by, blame, changed, get text() { return pretty(data); } };
    this.dispatchEvent(new CustomEvent("known", { detail }));
    if (Number(this.getAttribute("version")) === version) return;
    this.setAttribute("version", version);
    text(this.#ref("version"), String(version));
    if (by) this.#ref("written").replaceChildren(gettext("just now"), " ", fill(gettext("by %(who)s"), { who: nameOf(by) }));
    this.announce();
  }

  /** Whoever is at a button of the head is not disturbed; the next change renews it. */
  #renewHead() {
    const head = this.querySelector("#state-head");
    if (!head?.contains(document.activeElement)) this.dispatchEvent(new CustomEvent("stars:state", { bubbles: true }));
  }

  #announce() {
    this.voice ??= this.appendChild(h("p", { class: "visually-hidden", role: "status" }));
    const words = { n: this.document.version, who: nameOf(this.document.by) };
    text(this.voice, fill(gettext("Version %(n)s, written by %(who)s"), words));
  }

  #ref(name) {
    return this.querySelector(`[data-ref="${name}"]`);
  }
}

customElements.define("state-page", StatePage);
