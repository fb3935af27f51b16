/** What the elements share that say how long something is ago or under way, and keep saying it. */

export class Ticking extends HTMLElement {
  /** What it says is its own (lib/morph.js). */
  static ownsContent = true;
  /** Milliseconds between two looks at the clock. */
  static every = 1_000;

  connectedCallback() {
    this.draw();
    const { every } = /** @type {typeof Ticking} */ (this.constructor);
    this.timer = setInterval(() => this.draw(), every);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  attributeChangedCallback() {
    if (this.isConnected) this.draw();
  }

  /** Say it as of now. */
  draw() {}
}
