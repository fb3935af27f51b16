/**
 * <run-story>: what each agent said and did, in order, as it happens. Stays at the end while the reader is there;
 * else counts what is new. Turns out of sight are only remembered, so that thousands of them stay easy.
 */

/** @import { About, Subtask, View } from "../types.d.ts" */
/** @import { FieldName, Focus } from "./focus.js" */
/** @import { RunStore } from "./store.js" */
/** @import { Block } from "./story.js" */

import { avatar } from "../lib/avatars.js";
import { around, h, ref, show, text } from "../lib/dom.js";
import { fill, gettext, ngettext } from "../lib/i18n.js";
import { keys } from "../lib/keys.js";
import { now, number } from "../lib/time.js";
import { ordered, runEnded } from "./reducer.js";
import { Story, standingAt } from "./story.js";
import { drawPlan, noteNode } from "./story-notes.js";
import { StoryTurn } from "./story-turn.js";
import { titleOf } from "./words.js";

/** So near to the end one is at the end. */
const NEAR = 48;
/** Turns are filled so far before they come into sight. */
const AHEAD = "800px 0px";
/** Blocks that fill a tall window. */
const AT_ONCE = 8;

class RunStory extends HTMLElement {
  /** Given by <stars-run>. @type {About | null} */
  about = null;
  /** @type {Focus | null} */
  viewing = null;
  box = ref(this, "scroll");
  list = ref(this, "blocks");
  pill = ref(this, "pill", HTMLButtonElement);
  busy = ref(this, "busy");
  story = new Story();
  /** The element of each block shown, in their order. @type {HTMLElement[]} */
  nodes = [];
  /** @type {Map<Block, HTMLElement>} */
  made = new Map();
  /** Turns that are, or nearly are, in sight. @type {Set<Element>} */
  near = new Set();
  read = 0;
  /** Up to which event it is drawn. */
  n = 0;
  past = false;
  /** Where the reader was at the last scrolling. */
  top = 0;
  seen = 0;
  /** Whether the end is kept in sight. */
  following = false;
  /** Whether the log has been read for the first time. */
  begun = false;
  /** @type {RunStore | null} */
  store = null;
  forget = () => {};
  sight = new IntersectionObserver((entries) => this.#sighted(entries), { root: this.box, rootMargin: AHEAD });
  growth = new ResizeObserver(() => this.#keepEnd());

  connectedCallback() {
    this.box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.pill.addEventListener("click", () => this.#toEnd());
    this.addEventListener("click", (event) => this.#click(event));
    this.growth.observe(this.list);
    const when = () => this.isOpen;
    const section = gettext("Story");
    this.forget = keys.add(
      { section, keys: ["j", "arrowdown"], text: gettext("Next turn"), run: () => this.#step(1), when },
      { section, keys: ["k", "arrowup"], text: gettext("Previous turn"), run: () => this.#step(-1), when },
      { section, keys: "enter", text: gettext("Open or close what the tools did"), run: () => this.#unfold(), when: () => when() && this.#here !== null },
      { section, keys: "end", text: gettext("To the end"), run: () => this.#toEnd(), when },
    );
  }

  disconnectedCallback() {
    this.forget();
    this.sight.disconnect();
    this.growth.disconnect();
  }

  /** Whether keys are meant for it: it is in sight, and nobody is in another view. */
  get isOpen() {
    return this.checkVisibility() && !document.activeElement?.closest("run-log, run-replay, run-header");
  }

  /** @param {View} view @param {View | null} _before @param {RunStore} store */
  draw(view, _before, store) {
    this.store = store;
    // Half a log would be drawn only to be moved about by the other half.
    if (!this.begun && !store.caughtUp) return;
    const touched = this.story.take(store.events.slice(this.read));
    this.read = store.events.length;
    const n = store.shown;
    const changed = store.at === null && !this.past ? touched : this.story.changed(this.n, n);
    this.past = store.at !== null;
    this.#sync(this.story.shownAt(n));
    if (!this.begun && store.caughtUp && n) {
      this.following = !runEnded(view.status) || store.at !== null;
      this.seen = this.nodes.length;
      this.begun = true;
      // What is in sight first is drawn at once; the observer would let it jump in one frame later.
      for (const node of this.following ? this.nodes.slice(-AT_ONCE) : this.nodes.slice(0, AT_ONCE)) this.near.add(node);
    }
    this.n = n;
    const at = store.at === null ? now() : Date.parse(view.lastAt ?? "");
    for (const block of changed) {
      const node = this.made.get(block);
      if (node && block.kind === "plan") drawPlan(node, block, n);
      else this.#fill(node, at);
    }
    if (this.subtasks !== view.subtasks) this.#busy(ordered(view));
    this.subtasks = view.subtasks;
    this.#keepEnd();
    this.#count();
  }

  /** @param {View} _view @param {number} at */
  tick(_view, at) {
    for (const node of this.near) if (node instanceof StoryTurn) node.tick(at);
  }

  /** @param {Focus} focus @param {ReadonlySet<FieldName>} changed */
  follow(focus, changed) {
    if (changed.has("at") && focus.at !== null) this.following = true;
    if (!["subtask", "agent", "seq"].some((name) => changed.has(/** @type {FieldName} */ (name)))) return;
    this.#light();
    if (focus.subtask || focus.agent || focus.seq) this.#show();
  }

  /** Make or take away elements until as many blocks stand as there are to be. @param {number} count */
  #sync(count) {
    while (this.nodes.length > count) this.nodes.pop()?.remove();
    const fresh = this.story.blocks.slice(this.nodes.length, count).map((block) => this.#nodeOf(block));
    this.nodes.push(...fresh);
    this.list.append(...fresh);
    show(ref(this, "empty"), !count);
  }

  /** @param {Block} block @returns {HTMLElement} */
  #nodeOf(block) {
    let node = this.made.get(block);
    if (node) return node;
    if (block.kind === "turn" && this.about) {
      const turn = new StoryTurn();
      turn.make(block, this.about);
      this.sight.observe(turn);
      node = turn;
    } else node = noteNode(/** @type {Exclude<Block, {kind: "turn"}>} */ (block));
    node.classList.toggle("is-lit", this.#isLit(block));
    this.made.set(block, node);
    return node;
  }

  /** @param {HTMLElement | undefined} node @param {number} at */
  #fill(node, at) {
    if (!(node instanceof StoryTurn) || !node.turn || !this.store) return;
    if (!this.near.has(node)) return node.stand(standingAt(node.turn, this.n)?.status ?? "running");
    const { subtask } = node.turn;
    const past = this.store.at !== null;
    const latest = this.story.turns.get(subtask) === node.turn;
    node.draw({ n: this.n, past, latest, subtask: this.store.view.subtasks[subtask] });
    node.tick(at);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #sighted(entries) {
    const at = this.store?.at === null ? now() : Date.parse(this.store?.view.lastAt ?? "");
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) this.near.delete(target);
      else if (!this.near.has(target)) {
        this.near.add(target);
        this.#fill(/** @type {HTMLElement} */ (target), at);
      }
    }
  }

  /** Who is at work now, each a way to where. @param {Subtask[]} subtasks */
  #busy(subtasks) {
    const working = subtasks.filter(({ status }) => status === "running" || status === "waiting");
    const key = working.map(({ id, status, agentId }) => `${id}${status}${agentId}`).join();
    if (key === this.busyKey) return;
    this.busyKey = key;
    this.busy.replaceChildren(
      ...working.map((subtask) =>
        h(
          "button",
          { type: "button", class: "busy-chip", "data-subtask": subtask.id, "data-status": subtask.status, title: titleOf(subtask) },
          avatar(subtask.agentId ?? "?"),
          h("span", {}, titleOf(subtask)),
        ),
      ),
    );
    show(this.busy, working.length > 0);
  }

  busyKey = "";
  /** Those that were drawn last. @type {View["subtasks"] | null} */
  subtasks = null;

  /** @param {Block} block */
  #isLit(block) {
    const { viewing } = this;
    if (!viewing) return false;
    if (block.kind === "turn") return viewing.marks(block);
    return block.seq === viewing.seq;
  }

  #light() {
    for (const [block, node] of this.made) node.classList.toggle("is-lit", this.#isLit(block));
    for (const part of this.list.querySelectorAll("[data-seq]")) part.classList.toggle("is-event", Number(part.getAttribute("data-seq")) === this.viewing?.seq);
  }

  /** Bring what is in focus into sight, unless some of it is. */
  #show() {
    const { seq, subtask } = this.viewing ?? {};
    const event = seq ? this.store?.events[seq - 1] : null;
    const blocks = this.story.blocks.slice(0, this.nodes.length).filter((block) => this.#isLit(block));
    const holds = blocks.findLast((block) => !event || block.seq <= event.seq);
    const wanted = holds ?? blocks[0];
    const node = wanted && this.made.get(wanted);
    const frame = this.box.getBoundingClientRect();
    const isSeen = (/** @type {HTMLElement | undefined} */ one) => {
      const place = one?.getBoundingClientRect();
      return Boolean(place?.height) && place !== undefined && place.bottom > frame.top + NEAR && place.top < frame.bottom - NEAR;
    };
    const enough = seq || subtask ? isSeen(node) : blocks.some((block) => isSeen(this.made.get(block)));
    if (!node || enough) return;
    this.following = false;
    this.box.scrollTop += node.getBoundingClientRect().top - frame.top - NEAR / 4;
  }

  /** The block in focus, as the reader goes through them. @returns {Block | null} */
  get #here() {
    const node = document.activeElement?.closest(".run-story-blocks > *");
    return this.story.blocks.find((block) => this.made.get(block) === node && node) ?? null;
  }

  /** @param {number} step */
  #step(step) {
    const blocks = this.story.blocks.slice(0, this.nodes.length);
    const from = this.#here ?? blocks.findLast((block) => this.#isLit(block)) ?? null;
    const index = from ? blocks.indexOf(from) + step : step > 0 ? 0 : blocks.length - 1;
    const next = blocks[Math.max(0, Math.min(blocks.length - 1, index))];
    const node = next && this.made.get(next);
    if (!node) return;
    this.following = false;
    node.tabIndex = -1;
    node.focus({ preventScroll: true });
    this.#bring(node);
    if (next.kind === "turn") this.viewing?.pick({ subtask: next.subtask, agent: next.agent });
    else this.viewing?.pick({ seq: next.seq });
  }

  /** Scroll the story, not the page, so that the top of a block is in sight. @param {HTMLElement} node */
  #bring(node) {
    const [place, frame] = [node.getBoundingClientRect(), this.box.getBoundingClientRect()];
    if (place.top < frame.top || place.top > frame.bottom - 2 * NEAR) this.box.scrollTop += place.top - frame.top - NEAR / 4;
  }

  #unfold() {
    const block = this.#here;
    const folds = block ? [...(this.made.get(block)?.querySelectorAll("details") ?? [])] : [];
    const open = folds.some((fold) => !fold.open);
    for (const fold of folds) fold.open = open;
  }

  /** What is clicked comes into focus; marking a text or using a control does not count as that. @param {MouseEvent} event */
  #click(event) {
    const chip = around(event, "[data-subtask]:is(button)");
    if (chip) return this.viewing?.pick({ subtask: chip.dataset.subtask ?? "" });
    if (getSelection()?.isCollapsed === false || around(event, "a, button, textarea, input, form")) return;
    const node = around(event, ".run-story-blocks > *");
    const block = this.story.blocks.find((one) => this.made.get(one) === node);
    const seq = Number(around(event, "[data-seq]")?.dataset.seq ?? 0) || null;
    if (block?.kind === "turn") this.viewing?.pick({ subtask: block.subtask, agent: block.agent, seq });
    else if (block) this.viewing?.pick({ seq: block.seq });
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    // Only who goes up leaves the end; the end goes away from who stays, as the story grows.
    if (scrollHeight - scrollTop - clientHeight < NEAR) this.following = true;
    else if (scrollTop < this.top) this.following = false;
    this.top = scrollTop;
    this.#count();
  }

  #keepEnd() {
    if (this.following) this.box.scrollTop = this.box.scrollHeight;
  }

  #toEnd() {
    this.following = true;
    this.#keepEnd();
    this.#count();
  }

  #count() {
    if (this.following || !this.begun) this.seen = this.nodes.length;
    this.seen = Math.min(this.seen, this.nodes.length);
    const fresh = this.nodes.length - this.seen;
    if (show(this.pill, fresh > 0)) text(this.pill, fill(ngettext("+%(n)s new", "+%(n)s new", fresh), { n: number(fresh) }));
  }
}

customElements.define("run-story", RunStory);
