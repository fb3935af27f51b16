/**
 * What somebody has written and not saved, kept in the tab until it is saved or thrown away: through a reload, a
 * session that ended, a server that is away. Pure but for the storage it is given.
 *
 * @typedef {object} Draft
 * @property {string} text
 * @property {string} version the version that the writer saw
 * @property {string} uid the life of the state that it belongs to
 * @property {number} at when it was written, milliseconds since the epoch
 */

/** Characters of a draft that are kept; storage has about five million for a whole site. */
const MOST = 2_000_000;

export class Drafts {
  /** @param {string} key @param {Pick<Storage, "getItem" | "setItem" | "removeItem"> | null} storage */
  constructor(key, storage) {
    this.key = `stars.draft.${key}`;
    this.storage = storage;
  }

  /** Keep it; false where that is not possible. @param {Draft} draft */
  keep(draft) {
    if (draft.text.length > MOST) return false;
    try {
      this.storage?.setItem(this.key, JSON.stringify(draft));
      return this.storage !== null;
    } catch {
      return false;
    }
  }

  /** What was kept, unless it is what stands there anyway. @param {string} present @returns {Draft | null} */
  find(present) {
    try {
      const draft = /** @type {Draft | null} */ (JSON.parse(this.storage?.getItem(this.key) ?? "null"));
      if (!draft || typeof draft.text !== "string" || draft.text === present) return null;
      return draft;
    } catch {
      return null;
    }
  }

  drop() {
    try {
      this.storage?.removeItem(this.key);
    } catch {
      // Storage may be forbidden; then nothing was kept.
    }
  }
}

/** The tab's storage; null where it is forbidden. */
export function tabStorage() {
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    return null;
  }
}

/** Texts that somebody can go back and forth between. */
export class Undo {
  /** @param {string} text @param {number} [most] */
  constructor(text, most = 200) {
    this.texts = [text];
    this.at = 0;
    this.most = most;
    this.since = 0;
  }

  get text() {
    return this.texts[this.at] ?? "";
  }

  get canUndo() {
    return this.at > 0;
  }

  get canRedo() {
    return this.at < this.texts.length - 1;
  }

  /** A new text; what is typed within one breath is one step. @param {string} text @param {number} [now] */
  push(text, now = 0) {
    if (text === this.text) return;
    const goesOn = now > 0 && now - this.since < 600 && this.at > 0 && !this.canRedo;
    this.since = now;
    this.texts.length = goesOn ? this.at : this.at + 1;
    this.texts.push(text);
    if (this.texts.length > this.most) this.texts.shift();
    this.at = this.texts.length - 1;
  }

  undo() {
    if (this.canUndo) this.at -= 1;
    this.since = 0;
    return this.text;
  }

  redo() {
    if (this.canRedo) this.at += 1;
    this.since = 0;
    return this.text;
  }
}
