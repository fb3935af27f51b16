/**
 * <stream-text>: text that grows. Appends what is new, keeps the end in sight until the reader scrolls up,
 * and goes on doing so when the reader comes back to the end.
 */

const NEAR = 24;

class StreamText extends HTMLElement {
  shown = "";

  connectedCallback() {
    if (this.following !== undefined) return;
    this.following = true;
    this.tabIndex = 0;
    this.setAttribute("role", "log");
    this.setAttribute("aria-live", "off"); // a screen reader would never come to an end
    this.addEventListener("scroll", () => {
      this.following = this.scrollHeight - this.scrollTop - this.clientHeight < NEAR;
    });
  }

  /** Show this text; when it continues what is shown, only the rest is added. */
  show(text) {
    if (text === this.shown) return;
    if (this.shown && text.startsWith(this.shown)) this.append(text.slice(this.shown.length));
    else this.textContent = text;
    this.shown = text;
    if (this.following) this.scrollTop = this.scrollHeight;
  }
}

customElements.define("stream-text", StreamText);
