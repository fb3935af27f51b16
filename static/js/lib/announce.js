/**
 * Words for screen readers, spoken when the reader is silent: one voice for the page, which never floods. Of what is
 * said about the same thing while it waits, only the last is spoken.
 */

import { text } from "./dom.js";

/** Milliseconds between two announcements: about what it takes to hear one out. */
const APART = 2_500;

export class Announcer {
  /** @type {Map<string, string>} What waits, by what it is about. */
  #waiting = new Map();
  #resting = false;

  /**
   * @param {(words: string) => void} speak
   * @param {(go: () => void, wait: number) => void} [later] for tests
   */
  constructor(speak, later = (go, wait) => setTimeout(go, wait)) {
    this.speak = speak;
    this.later = later;
  }

  /** Say this as soon as it is time to, unless something newer comes about the same. @param {string} about @param {string} words */
  say(about, words) {
    this.#waiting.delete(about);
    this.#waiting.set(about, words);
    if (!this.#resting) this.#next();
  }

  #next() {
    const [first] = this.#waiting;
    this.#resting = Boolean(first);
    if (!first) return;
    this.#waiting.delete(first[0]);
    this.speak(first[1]);
    this.later(() => this.#next(), APART);
  }
}

const voice = new Announcer((words) => {
  const place = document.getElementById("voice");
  if (place) text(place, words);
});

/** Say something politely; `about` names what it is about. @param {string} about @param {string} words */
export const announce = (about, words) => voice.say(about, words);
