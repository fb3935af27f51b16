/**
 * The versions of a state as a film: each document made of the one before it. Pure, so that Node can test it.
 *
 * @import { Blame, Shot, Value } from "./types.d.ts"
 */

import { apply, Misfit, overlap, written } from "./ops.js";

export class Film {
  /** @type {Shot[]} */
  frames = [];
  /** @type {(Value | null)[]} */
  documents = [];

  /**
   * `base` is the document as the first of the frames left it. Frames are in the order of their versions.
   *
   * @param {Value | null} base
   * @param {Shot[]} frames
   */
  constructor(base, frames) {
    this.#take(base, frames);
  }

  /** @param {Value | null} base @param {Shot[]} frames */
  #take(base, frames) {
    this.frames = frames;
    this.documents = [];
    frames.forEach((frame, index) => {
      this.documents.push(index === 0 ? base : after(this.documents[index - 1] ?? null, frame));
    });
  }

  get length() {
    return this.frames.length;
  }

  get first() {
    return this.frames[0]?.version ?? 0;
  }

  get last() {
    return this.frames.at(-1)?.version ?? 0;
  }

  /** The place of a version, of the nearest older one where it is missing; 0 for what is older than all. @param {number} version */
  placeOf(version) {
    const at = this.frames.findLastIndex((frame) => frame.version <= version);
    return Math.max(0, at);
  }

  /** The document at a place; an empty one where the state was deleted. @param {number} place @returns {Value} */
  at(place) {
    return this.documents[place] ?? {};
  }

  /** Put older frames before these. @param {Value | null} base @param {Shot[]} frames */
  prepend(base, frames) {
    const older = new Film(base, frames.filter((frame) => frame.version < this.first));
    this.frames = [...older.frames, ...this.frames];
    this.documents = [...older.documents, ...this.documents];
  }

  /** Put newer frames behind these; false when some are missing between. @param {Shot[]} frames */
  append(frames) {
    const newer = frames.filter((frame) => frame.version > this.last);
    if (newer[0] && newer[0].version !== this.last + 1) return false;
    for (const frame of newer) {
      this.documents.push(after(this.documents.at(-1) ?? null, frame));
      this.frames.push(frame);
    }
    return true;
  }

  /** Who wrote what stands at a path as of a place; null: somebody before all of these. @param {number} place @param {string} path @returns {Blame | null} */
  blame(place, path) {
    for (let at = place; at >= 0; at--) {
      const frame = this.frames[at];
      if (!frame) continue;
      const wrote = frame.kind === "create" || written(frame.ops).some((each) => each === "" || overlap(each, path));
      if (wrote) return { agent: frame.agent, version: frame.version, at: frame.at, run: frame.run };
    }
    return null;
  }

  /**
   * What a version is held against: the one before it, the one after it, or a chosen one.
   *
   * @param {number} place
   * @param {string} against "previous", "next", or a version
   */
  against(place, against) {
    if (against === "next") return Math.min(place + 1, this.length - 1);
    if (against === "previous") return place - 1;
    return this.placeOf(Number(against));
  }
}

/** @param {Value | null} before @param {Shot} frame @returns {Value | null} */
function after(before, frame) {
  if (frame.kind === "delete") return null;
  const begun = frame.kind === "create" ? {} : before ?? {};
  try {
    return apply(begun, frame.ops);
  } catch (error) {
    if (error instanceof Misfit) return begun;
    throw error;
  }
}
