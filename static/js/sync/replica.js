/**
 * Copies of the states of one subscription, brought up to date by the frames of stars.sync.v1 (docs/sync-protocol.md).
 * Pure: frames go in, changes come out, and Node can test it.
 *
 * @import { Change, Copy, Entry, Frame } from "./types.d.ts"
 *
 * Where a frame is missing nothing more is taken and `lost` is true: subscribe again from `token`.
 */

import { apply, Misfit, pathOf } from "./ops.js";

export class Replica {
  /** @type {Set<string> | null} states that a snapshot has not named yet */
  unnamed = null;

  /**
   * All of it may come from a page that the server has drawn: `token` leads to `revision`; no snapshot is needed then.
   *
   * @param {{ states?: Copy[], token?: string, revision?: number }} [begun]
   */
  constructor({ states = [], token = "", revision = 0 } = {}) {
    /** @type {Map<string, Copy>} */
    this.states = new Map(states.map((state) => [state.id, state]));
    /** To come back to `revision`, up to which all frames were applied. */
    this.token = token;
    this.revision = revision;
    /** The server said that this is (or was) all there is. */
    this.synced = false;
    this.lost = false;
    /** A snapshot has to come first. */
    this.fresh = !token;
    /** Something was taken since the last question. */
    this.moved = false;
    /** The versions of what was deleted: an id's versions go on through its lives. */
    /** @type {Map<string, number>} */
    this.gone = new Map();
  }

  /** The token to subscribe from now (null: a snapshot); what was lost is asked for again. */
  ask() {
    // From that token the same would come again.
    if (this.lost && !this.moved) this.token = "";
    this.lost = this.synced = this.moved = false;
    this.fresh = !this.token;
    return this.token || null;
  }

  /** The server does not take the token. */
  forgetToken() {
    this.token = "";
  }

  /** What the page shows of a state by other ways than frames. @param {Copy} state */
  know(state) {
    this.states.set(state.id, state);
  }

  /** What the frame changes, in order: {id, kind, before, after, entry}; `after` is null where it is gone. @param {any} given @returns {Change[]} */
  receive(given) {
    const frame = /** @type {Frame} */ (given);
    if (frame.t === "reset") return this.#reset();
    if (frame.t === "revoked") return /** @type {string[]} */ (given.states).flatMap((id) => this.#drop(id, "revoked"));
    if (this.lost) return [];
    if (frame.t === "snap") return this.#snap(frame);
    if (frame.t !== "delta" && frame.t !== "mark") return [];
    if (this.fresh || frame.prev > this.revision) return this.#lose();
    if (frame.rev < this.revision) return []; // it came before; parts of "latest" and marks may stay where they are
    const changes = frame.t === "delta" ? this.#delta(frame) : [];
    if (this.lost) return [];
    this.revision = frame.rev;
    this.token = frame.token || this.token; // without one something is owed: the older place is the one to come back to
    this.synced = Boolean(frame.synced);
    this.moved = true;
    return changes;
  }

  /** @returns {Change[]} */
  #lose() {
    this.lost = true;
    this.synced = false;
    return [];
  }

  #reset() {
    const ids = [...this.states.keys()];
    this.token = "";
    this.fresh = true;
    this.lost = this.synced = false;
    this.unnamed = null;
    this.gone.clear();
    return ids.flatMap((id) => this.#drop(id, "reset"));
  }

  /** @param {string} id @param {Change["kind"]} kind @returns {Change[]} */
  #drop(id, kind) {
    const before = this.states.get(id);
    this.states.delete(id);
    return before ? [{ id, kind, before, after: null }] : [];
  }

  /** @param {Frame} frame */
  #snap(frame) {
    /** @type {Change[]} */
    const changes = [];
    if (frame.part === 1 && this.fresh) {
      // A snapshot that was asked for names all there is and holds whatever is here, perhaps of another history; what
      // it does not name is gone.
      this.unnamed = new Set(this.states.keys());
      this.gone.clear();
      this.fresh = false;
      this.revision = 0;
      this.token = "";
    }
    for (const given of frame.states) {
      const before = this.states.get(given.id);
      this.unnamed?.delete(given.id);
      const known = this.unnamed ? before?.uid === given.uid && before.v === given.v : given.v <= this.#seen(given.id, before);
      if (known) continue;
      const after = { id: given.id, uid: given.uid, v: given.v, data: given.data, frozen: Boolean(given.frozen) };
      this.states.set(given.id, after);
      changes.push({ id: given.id, kind: "snapshot", before, after });
    }
    if (frame.last) {
      for (const id of this.unnamed ?? []) changes.push(...this.#drop(id, "snapshot"));
      this.unnamed = null;
      this.revision = Math.max(this.revision, frame.rev);
    }
    return changes;
  }

  /** The version up to which everything of the state was taken. @param {string} id @param {Copy} [mine] */
  #seen(id, mine) {
    return mine?.v ?? this.gone.get(id) ?? 0;
  }

  /** All of the frame or nothing: it is whole revisions. @param {Frame} frame @returns {Change[]} */
  #delta(frame) {
    /** @type {Map<string, Copy | null>} */
    const draft = new Map();
    /** @type {Map<string, number>} */
    const gone = new Map();
    /** @type {Change[]} */
    const changes = [];
    for (const entry of frame.entries ?? []) {
      const before = draft.has(entry.id) ? draft.get(entry.id) : this.states.get(entry.id);
      if (entry.v <= (before?.v ?? gone.get(entry.id) ?? this.#seen(entry.id))) continue;
      if (entry.kind === "delete") gone.set(entry.id, entry.v);
      // It was not given (yet).
      if (!before && !replaces(entry)) continue;
      let after;
      try {
        after = afterEntry(entry, before);
      } catch (error) {
        if (error instanceof Misfit) return this.#lose();
        throw error;
      }
      draft.set(entry.id, after);
      changes.push({ id: entry.id, kind: "entry", before, after, entry });
    }
    for (const [id, state] of draft) {
      if (state) this.states.set(id, state);
      else this.states.delete(id);
    }
    for (const [id, v] of gone) this.gone.set(id, v);
    return changes;
  }
}

/** Whether it holds whatever stands there, and even if nothing does. @param {Entry} entry */
function replaces(entry) {
  if (entry.kind === "create") return true;
  const first = entry.kind !== "delete" && entry.coalesced ? entry.ops?.[0] : undefined;
  return first?.op === "set" && pathOf(first) === "";
}

/** @param {Entry} entry @param {Copy | null | undefined} mine @returns {Copy | null} */
function afterEntry(entry, mine) {
  if (entry.kind === "delete") return null;
  const whole = replaces(entry);
  if (!whole && !(mine?.uid === entry.uid && mine.v === entry.pv)) throw new Misfit(entry.id);
  const frozen = entry.config?.frozen ?? (!whole && mine?.frozen);
  const data = apply(whole ? {} : mine?.data ?? {}, entry.ops ?? []);
  return { id: entry.id, uid: entry.uid, v: entry.v, data, frozen: Boolean(frozen) };
}
