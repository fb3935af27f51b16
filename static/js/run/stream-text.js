/**
 * <stream-text>: text that grows. Appends what is new, keeps the end in sight until the reader scrolls up,
 * and goes on doing so when the reader comes back to the end. Out of sight it only remembers.
 */

const NEAR = 24;
/** Those whose end is to be shown: measured together, then moved together, so the page is laid out once. */
/** @type {Set<StreamText>} */
const grown = new Set();

function showEnds() {
  const ends = Array.from(grown, (stream) => ({ stream, end: stream.scrollHeight }));
  grown.clear();
  for (const { stream, end } of ends) stream.scrollTop = end;
}

const sight = globalThis.IntersectionObserver
  ? new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) /** @type {StreamText} */ (target).sight(isIntersecting);
    }, { rootMargin: "200px" })
  : null;

export class StreamText extends HTMLElement {
  #shown = "";
  #wanted = "";
  #inSight = false;
  #following = true;

  connectedCallback() {
    sight?.observe(this);
    if (this.hasAttribute("role")) return;
    this.tabIndex = 0;
    this.setAttribute("role", "log");
    this.setAttribute("aria-live", "off"); // a screen reader would never come to an end
    this.addEventListener("scroll", () => {
      this.#following = this.scrollHeight - this.scrollTop - this.clientHeight < NEAR;
    });
  }

  disconnectedCallback() {
    sight?.unobserve(this);
    grown.delete(this);
  }

  /** Show this text; when it continues what is shown, only the rest is added. @param {string} text */
  show(text) {
    this.#wanted = text;
    if (this.#inSight) this.#draw();
  }

  /** Called when it comes into sight or leaves it. @param {boolean} isIn */
  sight(isIn) {
    this.#inSight = isIn;
    if (isIn) this.#draw();
  }

  #draw() {
    if (this.#wanted === this.#shown) return;
    if (this.#shown && this.#wanted.startsWith(this.#shown)) this.append(this.#wanted.slice(this.#shown.length));
    else this.textContent = this.#wanted;
    this.#shown = this.#wanted;
    if (!this.#following) return;
    if (!grown.size) requestAnimationFrame(showEnds);
    grown.add(this);
  }
}

customElements.define("stream-text", StreamText);
