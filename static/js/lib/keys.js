/**
 * The keyboard shortcuts of the page: elements register theirs when they connect and take them back when they
 * leave, the legend (`?`) lists what is registered.
 *
 *     connectedCallback() {
 *       this.forget = keys.add(
 *         { section: gettext("Log"), keys: "j", text: gettext("Next event"), run: () => this.next() },
 *         { section: gettext("Log"), keys: ["k", "arrowup"], text: gettext("Previous event"), run: () => this.back() },
 *         { section: gettext("Run"), keys: "g l", text: gettext("Go to the log"), run: () => this.focus(), when: () => !this.hidden },
 *       );
 *     }
 *     disconnectedCallback() {
 *       this.forget();
 *     }
 *
 * Keys are written as `KeyboardEvent.key` in lower case ("j", "?", "enter", "arrowdown", "escape", "space"); a
 * step may have modifiers ("mod+k": ⌘ on Apple's machines, Ctrl elsewhere; "shift+j", "alt+1"), and steps follow
 * each other after a space ("g h"). Nothing fires while one writes or composes a text, in a menu's or list's own
 * keys, while a modal dialog is open (unless `within` is in it), or when something else has handled the key.
 * Of two shortcuts with the same keys the one registered last wins, and a key alone before a sequence it begins.
 */

/**
 * @typedef {object} Shortcut
 * @property {string} section heading in the legend, translated: the part of the page
 * @property {string | string[]} keys one way to press it, or several; the legend shows them all
 * @property {string} text what it does, translated
 * @property {(event: KeyboardEvent) => void} [run] without it the element that has the focus does it itself: it only stands in the legend
 * @property {() => boolean} [when] whether it can be used now; otherwise it neither fires nor is listed
 * @property {Element} [within] the element it belongs to: while a modal dialog is open only what is in it fires
 */

/**
 * What of a keyboard event is looked at.
 * @typedef {Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey" | "isComposing" | "keyCode" | "repeat" | "defaultPrevented">} Press
 */

/** How long the second key of a sequence is waited for, in milliseconds. */
export const PATIENCE = 1500;

const NAMES = { " ": "space", esc: "escape", up: "arrowup", down: "arrowdown", left: "arrowleft", right: "arrowright" };
const OWN = ["enter", "space", "arrowup", "arrowdown", "arrowleft", "arrowright", "home", "end", "pageup", "pagedown"];
const PUSHED = ["button", "checkbox", "color", "file", "image", "radio", "range", "reset", "submit"];

/** @param {string} platform as `navigator.platform` tells it */
export const isApple = (platform) => /mac|iphone|ipad|ipod/i.test(platform);

const APPLE = isApple(globalThis.navigator?.platform ?? "");

/**
 * The steps of written keys, each in one form: modifiers in order, then the key.
 * @param {string} written
 * @param {boolean} [apple]
 * @returns {string[]}
 */
export function steps(written, apple = APPLE) {
  return written
    .toLowerCase()
    .split(" ")
    .map((step) => {
      const parts = step === "+" ? ["+"] : step.split(/\+(?=.)/);
      const key = parts.pop() ?? "";
      const held = parts.map((part) => (part === "mod" ? (apple ? "meta" : "ctrl") : part));
      return [...["ctrl", "meta", "alt", "shift"].filter((one) => held.includes(one)), NAMES[/** @type {keyof typeof NAMES} */ (key)] ?? key].join("+");
    });
}

/**
 * The step that a press is, in the form of `steps`; empty for a modifier alone. On a keyboard of another script
 * the letter printed beside its own is taken.
 * @param {Press} event
 * @returns {string}
 */
export function stepOf(event) {
  if (["Control", "Meta", "Alt", "Shift", "AltGraph", "CapsLock"].includes(event.key)) return "";
  let key = event.key.toLowerCase();
  const letter = /^Key([A-Z])$/.exec(event.code ?? "")?.[1]?.toLowerCase();
  if (letter && !/^[\x20-\x7e]$/.test(key)) key = letter;
  // Shift is part of how "?" is typed, and said only with keys that have no other sign above them.
  const shifted = event.shiftKey && (key.length > 1 || /[a-z]/.test(key) || key === " ");
  const held = [event.ctrlKey && "ctrl", event.metaKey && "meta", event.altKey && "alt", shifted && "shift"].filter(Boolean);
  return [...held, NAMES[/** @type {keyof typeof NAMES} */ (key)] ?? key].join("+");
}

/**
 * What stands on the caps of written keys: a list for each step.
 * @param {string} written
 * @param {boolean} [apple]
 * @returns {string[][]}
 */
export function caps(written, apple = APPLE) {
  const signs = {
    ctrl: apple ? "⌃" : "Ctrl", meta: apple ? "⌘" : "Win", alt: apple ? "⌥" : "Alt", shift: apple ? "⇧" : "Shift",
    arrowup: "↑", arrowdown: "↓", arrowleft: "←", arrowright: "→", enter: "↵", escape: "Esc", space: "␣",
    home: "Home", end: "End", pageup: "PgUp", pagedown: "PgDn", tab: "Tab", backspace: "⌫", delete: "Del",
  };
  return steps(written, apple).map((step) =>
    (step === "+" ? ["+"] : step.split(/\+(?=.)/)).map((part) => signs[/** @type {keyof typeof signs} */ (part)] ?? part.toUpperCase()),
  );
}

/** The registered shortcuts, and which of them a press is. */
export class Keyboard {
  /** @param {{ apple?: boolean, now?: () => number }} [options] */
  constructor({ apple = APPLE, now = () => performance.now() } = {}) {
    /** @type {Shortcut[]} */
    this.shortcuts = [];
    /** Whether shortcuts of plain keys fire; those with Ctrl, ⌘ or Alt always do. */
    this.plain = true;
    this.apple = apple;
    this.now = now;
    /** @type {string[]} */
    this.begun = [];
    this.since = 0;
  }

  /**
   * Register shortcuts; the answer takes them back.
   * @param {...Shortcut} shortcuts
   * @returns {() => void}
   */
  add(...shortcuts) {
    this.shortcuts.push(...shortcuts);
    return () => {
      this.shortcuts = this.shortcuts.filter((one) => !shortcuts.includes(one));
    };
  }

  /**
   * What can be pressed now, by section in the order of registration; of equal keys only the one that would fire.
   * @returns {{ section: string, shortcuts: Shortcut[] }[]}
   */
  legend() {
    const taken = new Set();
    /** @type {Map<string, Shortcut[]>} */
    const found = new Map(this.shortcuts.map(({ section }) => [section, []]));
    for (const shortcut of this.shortcuts.toReversed()) {
      const ways = [shortcut.keys].flat();
      if (!(shortcut.when?.() ?? true) || (shortcut.run && ways.every((way) => taken.has(way)))) continue;
      if (shortcut.run) for (const way of ways) taken.add(way);
      found.get(shortcut.section)?.unshift(shortcut);
    }
    return [...found].map(([section, shortcuts]) => ({ section, shortcuts })).filter(({ shortcuts }) => shortcuts.length);
  }

  /**
   * Take a press: runs the shortcut it completes, and tells whether the press was used.
   * @param {KeyboardEvent} event
   * @param {Element | null} [modal] the modal dialog that is open
   * @returns {boolean}
   */
  press(event, modal = null) {
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return false;
    const step = stepOf(event);
    if (!step) return false;
    const target = /** @type {Element | null} */ (event.composedPath?.()[0] ?? event.target);
    if (writes(target) || keeps(target, step)) return this.#forget();
    if (this.now() - this.since > PATIENCE) this.#forget();
    // A key that does not go on with what was begun may begin something itself.
    for (const pressed of this.begun.length ? [[...this.begun, step], [step]] : [[step]]) {
      const found = this.#find(pressed, modal);
      if (!found.length) continue;
      const whole = found.find(({ rest }) => rest === 0);
      if (!whole) {
        this.begun = pressed;
        this.since = this.now();
        return true;
      }
      this.#forget();
      whole.shortcut.run?.(event);
      return true;
    }
    return this.#forget();
  }

  #forget() {
    this.begun = [];
    return false;
  }

  /**
   * The shortcuts that begin with what was pressed, the last registered first, and how many steps each still needs.
   * @param {string[]} pressed
   * @param {Element | null} modal
   */
  #find(pressed, modal) {
    return this.shortcuts.toReversed().flatMap((shortcut) => {
      if (!shortcut.run) return [];
      if (modal && !(shortcut.within && modal.contains(shortcut.within))) return [];
      if (!this.plain && !/^(ctrl|meta|alt)\+|^escape$/.test(pressed[0] ?? "")) return [];
      if (!(shortcut.when?.() ?? true)) return [];
      const ways = [shortcut.keys].flat().map((way) => steps(way, this.apple));
      const way = ways.find((one) => pressed.every((step, index) => one[index] === step));
      return way ? [{ shortcut, rest: way.length - pressed.length }] : [];
    });
  }
}

/** Whether keys pressed here write a text or look for a choice by its letters. @param {Element | null} target */
function writes(target) {
  if (!target?.matches) return false;
  if (/** @type {HTMLElement} */ (target).isContentEditable) return true;
  if (target.matches("input")) return !PUSHED.includes(/** @type {HTMLInputElement} */ (target).type);
  return target.matches("textarea, select, [role=textbox], [role=searchbox], [role=combobox], [role=menu]");
}

/**
 * Whether the element does something with this key itself.
 * @param {Element | null} target
 * @param {string} step
 */
function keeps(target, step) {
  const key = step.replace(/^shift\+/, "");
  if (!target?.matches || !OWN.includes(key)) return false;
  if (target.matches("input, [role=slider], [role=tab], [role=radio], [role=listbox], [role=treeitem], [role=separator][tabindex]")) return true;
  return ["enter", "space"].includes(key) && target.matches("a[href], button, summary, label, [role=button], [role=link], [role=option]");
}

/** The shortcuts of this page. */
export const keys = new Keyboard();

globalThis.document?.addEventListener("keydown", (event) => {
  if (keys.press(event, document.querySelector("dialog:modal"))) event.preventDefault();
});
