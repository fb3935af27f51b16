/**
 * <state-tree label>: a JSON document as a tree that opens and closes (WAI-ARIA tree pattern), drawn from the text of
 * its page. Each leaf says who wrote it when it is pointed at or focused; what a newer version changed lights up.
 */

import { h, icon } from "../lib/dom.js";
import { fill, gettext, ngettext } from "../lib/i18n.js";
import { children, isBranch, parse, shown, typeOf } from "../lib/json-tree.js";
import { nameOf } from "../lib/names.js";
import { ago } from "../lib/time.js";
import { follow, tokensOf } from "../sync/ops.js";

/** Milliseconds for which a change stays lit (as in state-tree.css). */
const LIT = 2_500;
/** Members of one object or array that are drawn at once. */
const AT_ONCE = 100;
/** Branches open by themselves down to here, unless they are long. */
const OPEN_DEPTH = 2;
const OPEN_SIZE = 20;

class StateTree extends HTMLElement {
  connectedCallback() {
    this.page = this.closest("state-page");
    this.open = new Map();
    this.more = new Map();
    this.blame = {};
    /** Path -> when it changed. */
    this.lit = new Map();
    this.data = parse(this.page.querySelector("[data-text]").textContent);
    this.tree = h("div", { class: "tree", role: "tree", "aria-label": this.getAttribute("label") });
    this.replaceChildren(this.tree);
    this.parentElement.querySelector("[data-js-only]")?.removeAttribute("hidden");
    this.tree.addEventListener("click", this);
    this.tree.addEventListener("keydown", this);
    this.known = ({ detail }) => this.#know(detail);
    this.page.addEventListener("known", this.known);
    this.#draw();
  }

  disconnectedCallback() {
    this.page.removeEventListener("known", this.known);
  }

  #know({ data, blame, changed }) {
    Object.assign(this, { data, blame });
    const now = performance.now();
    for (const [path, since] of this.lit) if (now - since > LIT) this.lit.delete(path);
    for (const path of changed) this.lit.set(path, now);
    this.#draw();
  }

  /**
   * Since when a row is lit: what was written, what stands under it, and a branch that hides it while it is closed or
   * because it is gone.
   */
  #litSince(path, closed) {
    let since = this.lit.get(path) ?? 0;
    for (const [each, at] of this.lit) {
      const under = path.startsWith(`${each}/`);
      const hides = each.startsWith(`${path}/`) && (closed || !this.#stands(each));
      if ((under || hides) && at > since) since = at;
    }
    return since;
  }

  #stands(path) {
    return follow(this.data, tokensOf(path)) !== undefined;
  }

  /** Draw everything that is open; focus stays where it was. */
  #draw() {
    const focused = this.tree.contains(document.activeElement) ? document.activeElement.dataset.path : null;
    const rows = this.#items(this.data, "", 1);
    this.tree.replaceChildren(
      ...(rows.length ? rows : [h("p", { class: "empty-line" }, gettext("The document is empty."))]),
    );
    const items = this.#visible();
    const stop = items.find(({ dataset }) => dataset.path === (focused ?? this.stop)) ?? items[0];
    if (stop) stop.tabIndex = 0;
    if (focused !== null) stop?.focus();
  }

  #items(value, path, level) {
    const members = children(value, path);
    const limit = this.more.get(path) ?? AT_ONCE;
    const items = members.slice(0, limit).map(({ key, value: member, path: at }, index) =>
      this.#item({ key, member, at, level, index: index + 1, size: members.length }),
    );
    if (members.length > limit) {
      const words = fill(gettext("%(n)s more…"), { n: members.length - limit });
      items.push(
        h(
          "div",
          { class: "tree-item", role: "treeitem", tabIndex: -1, "aria-level": level, "data-path": `${path}/…`, "data-more": path },
          h("div", { class: "tree-row tree-more" }, words),
        ),
      );
    }
    return items;
  }

  #item({ key, member, at, level, index, size }) {
    const branch = isBranch(member);
    const open = branch && this.#isOpen(at, member, level);
    const since = this.#litSince(at, branch && !open);
    const row = h(
      "div",
      { class: "tree-row" },
      h("span", { class: "tree-turn", "aria-hidden": "true" }, branch && icon("chevron")),
      h("span", { class: "tree-key" }, `${key}:`),
      h("span", { class: "tree-value", "data-type": branch ? "size" : typeOf(member) }, branch ? sizeOf(member) : shown(member)),
      !branch && this.#blamed(at),
    );
    return h(
      "div",
      {
        class: `tree-item${since ? " is-new" : ""}`,
        // Drawn again, it goes on fading from where it was.
        style: since ? { "--lit": `${Math.round(since - performance.now())}ms` } : {},
        role: "treeitem",
        tabIndex: -1,
        "aria-level": level,
        "aria-posinset": index,
        "aria-setsize": size,
        "aria-expanded": branch ? String(open) : null,
        "data-path": at,
      },
      row,
      open && h("div", { class: "tree-group", role: "group" }, this.#items(member, at, level + 1)),
    );
  }

  #blamed(path) {
    const wrote = this.blame[path];
    if (!wrote) return null;
    const words = fill(gettext("%(who)s, version %(n)s"), { who: nameOf(wrote.agent), n: wrote.version });
    return h("span", { class: "tree-blame" }, `${words} · ${ago(wrote.at)}`);
  }

  #isOpen(path, value, level) {
    return this.open.get(path) ?? (level <= OPEN_DEPTH && children(value, path).length <= OPEN_SIZE);
  }

  #visible() {
    return [...this.tree.querySelectorAll("[role=treeitem]")];
  }

  handleEvent(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item) return;
    if (event.type === "click") {
      if (getSelection()?.toString()) return;
      this.#go(item);
      this.#toggle(item);
    } else if (this.#press(event.key, item)) {
      event.preventDefault();
    }
  }

  /** What a key does, as the pattern has it; whether it does anything. */
  #press(key, item) {
    const items = this.#visible();
    const at = items.indexOf(item);
    const expanded = item.getAttribute("aria-expanded");
    if (key === "ArrowDown") this.#go(items[at + 1]);
    else if (key === "ArrowUp") this.#go(items[at - 1]);
    else if (key === "Home") this.#go(items[0]);
    else if (key === "End") this.#go(items.at(-1));
    else if (key === "Enter" || key === " ") this.#toggle(item);
    else if (key === "ArrowRight" && expanded === "false") this.#toggle(item);
    else if (key === "ArrowRight" && expanded === "true") this.#go(items[at + 1]);
    else if (key === "ArrowLeft" && expanded === "true") this.#toggle(item);
    else if (key === "ArrowLeft") this.#go(item.parentElement.closest("[role=treeitem]"));
    else return false;
    return true;
  }

  #go(item) {
    if (!item) return;
    for (const other of this.tree.querySelectorAll("[tabindex='0']")) {
      if (other.role === "treeitem") other.tabIndex = -1;
    }
    item.tabIndex = 0;
    item.focus();
    this.stop = item.dataset.path;
  }

  #toggle(item) {
    const { path, more } = item.dataset;
    if (more !== undefined) {
      this.more.set(more, (this.more.get(more) ?? AT_ONCE) + AT_ONCE);
    } else if (item.hasAttribute("aria-expanded")) {
      this.open.set(path, item.getAttribute("aria-expanded") === "false");
    } else {
      return;
    }
    this.#draw();
  }
}

function sizeOf(value) {
  const n = Array.isArray(value) ? value.length : Object.keys(value).length;
  return Array.isArray(value)
    ? fill(ngettext("%(n)s item", "%(n)s items", n), { n })
    : fill(ngettext("%(n)s member", "%(n)s members", n), { n });
}

customElements.define("state-tree", StateTree);
