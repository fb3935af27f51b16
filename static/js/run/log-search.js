/** The words that the log is searched for: typing waits a little, and from the words one goes to what they have found. */

/** Typing waits so long for the next letter. */
const TYPING = 120;

export class LogSearch {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing;

  /** @param {HTMLInputElement} box @param {{want: (q: string) => void, leave: () => void}} acts */
  constructor(box, { want, leave }) {
    this.box = box;
    box.addEventListener("input", () => {
      this.stop();
      this.#typing = setTimeout(() => want(box.value), TYPING);
    });
    box.addEventListener("keydown", (event) => {
      if (!["Enter", "ArrowDown"].includes(event.key) || event.isComposing) return;
      event.preventDefault();
      this.stop();
      want(box.value);
      leave();
    });
  }

  /** Wait for no more letters. */
  stop() {
    clearTimeout(this.#typing);
  }

  /** Show the words that are searched for. @param {string} q */
  show(q) {
    if (this.box.value.trim() !== q) this.box.value = q;
  }
}
