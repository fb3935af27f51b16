/**
 * What part of a graph is seen, and how large: dragging, wheel, pinch and the moves that scripts ask for. It writes the
 * `transform` of one group. Where the whole graph is seen from top to foot, a finger still scrolls the page.
 */

/** @typedef {{x: number, y: number, width: number, height: number}} Box */
/** @typedef {{x: number, y: number, zoom: number}} Sight - where the graph's origin stands in the stage, and the scale */

export const NEAREST = 2;
export const FARTHEST = 0.15;
/** What is fitted into the stage is made no larger than it was designed, and stays readable. */
const FIT = { most: 1, least: 0.8, margin: 28 };
/** On a stage as wide as a phone's it is smaller, so that one sees how it goes on, and its edge takes less. */
const PHONE = { width: 560, least: 0.4, margin: 12 };
/** Pixels that a pointer may move and still have clicked. */
const SLACK = 4;
const GLIDE = 260;

/** @param {number} value @param {number} least @param {number} most */
const within = (value, least, most) => Math.min(Math.max(value, least), most);

/**
 * The sight that shows all of a graph, in the middle; of one too large to be read the beginning. On a phone all of its
 * width is shown, unless it is very wide.
 * @param {Box} bounds
 * @param {{width: number, height: number}} stage
 * @param {number} [smallest]
 * @returns {Sight}
 */
export function fitting(bounds, stage, smallest) {
  const phone = stage.width < PHONE.width;
  const { margin } = phone ? PHONE : FIT;
  const room = { width: Math.max(1, stage.width - 2 * margin), height: Math.max(1, stage.height - 2 * margin) };
  const across = room.width / Math.max(1, bounds.width);
  const least = smallest ?? (phone ? within(across, PHONE.least, FIT.least) : FIT.least);
  const zoom = within(Math.min(across, room.height / Math.max(1, bounds.height)), Math.max(least, FARTHEST), FIT.most);
  const wide = bounds.width * zoom;
  const x = wide <= room.width + 0.5 ? (stage.width - wide) / 2 : margin;
  // The foot of a phone's stage is below the fold: what takes little of it stands higher than in the middle.
  const free = Math.max(0, room.height - bounds.height * zoom);
  const y = stage.height / 2 - (bounds.y + bounds.height / 2) * zoom - (phone ? free / 4 : 0);
  return { x: x - bounds.x * zoom, y, zoom };
}

/**
 * The sight after zooming by `factor` about a point of the stage, which stays where it is.
 * @param {Sight} sight
 * @param {number} factor
 * @param {{x: number, y: number}} about
 * @returns {Sight}
 */
export function zoomed(sight, factor, about) {
  const zoom = within(sight.zoom * factor, FARTHEST, NEAREST);
  const change = zoom / sight.zoom;
  return { x: about.x - (about.x - sight.x) * change, y: about.y - (about.y - sight.y) * change, zoom };
}

/**
 * The sight moved as little as brings a box into the stage.
 * @param {Sight} sight
 * @param {Box} box
 * @param {{width: number, height: number}} stage
 * @returns {Sight}
 */
export function showing(sight, box, stage) {
  const { margin } = stage.width < PHONE.width ? PHONE : FIT;
  /** @param {number} at @param {number} start @param {number} long @param {number} room */
  const along = (at, start, long, room) => {
    const [near, far] = [start * sight.zoom + at, (start + long) * sight.zoom + at];
    if (near < margin) return at + margin - near;
    return far > room - margin ? at + room - margin - far : at;
  };
  const x = along(sight.x, box.x, box.width, stage.width);
  return { ...sight, x, y: along(sight.y, box.y, box.height, stage.height) };
}

export class GraphCamera {
  /** @type {Sight} */
  sight = { x: 0, y: 0, zoom: 1 };
  /** @type {Map<number, {x: number, y: number}>} */
  #fingers = new Map();
  #moved = 0;
  #frame = 0;
  /** Where it is gliding to. */
  #to = this.sight;
  touch = "";
  /** Of the stage; nothing while it is not seen. Asking the page would have it laid out anew every time. */
  size = { width: 0, height: 0 };

  /**
   * @param {SVGSVGElement} stage
   * @param {SVGGElement} scene
   * @param {{bounds: () => Box, byHand?: () => void, resized?: () => void, still?: (event: PointerEvent) => boolean}} owner
   * - `byHand` is told when a person moves the sight, `resized` when the stage has another size; `still` says which
   * presses are not for moving it
   */
  constructor(stage, scene, { bounds, byHand = () => {}, resized = () => {}, still = () => false }) {
    this.stage = stage;
    this.scene = scene;
    this.bounds = bounds;
    this.byHand = byHand;
    this.watcher = new ResizeObserver((entries) => {
      const { width = 0, height = 0 } = entries.at(-1)?.contentRect ?? {};
      this.size = { width, height };
      resized();
    });
    this.watcher.observe(stage);
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && !still(event)) this.#press(event);
    });
    stage.addEventListener("pointermove", (event) => this.#drag(event));
    for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
      stage.addEventListener(end, (event) => this.#fingers.delete(event.pointerId));
    }
    // A press that moved the sight has not clicked.
    stage.addEventListener("click", (event) => this.#moved > SLACK && event.stopPropagation(), { capture: true });
  }

  /** Show all of it, however small. */
  fit() {
    this.glide(fitting(this.bounds(), this.size, FARTHEST));
  }

  /** Show as much of it as can be read, this box in any case. @param {Box | undefined} box */
  read(box) {
    const sight = fitting(this.bounds(), this.size);
    this.glide(box ? showing(sight, box, this.size) : sight);
  }

  /** @param {number} factor */
  zoom(factor) {
    const { width, height } = this.size;
    this.byHand();
    this.glide(zoomed(this.#to, factor, { x: width / 2, y: height / 2 }));
  }

  /** Bring a box into sight; tells whether it was out of it. @param {Box} box */
  show(box) {
    const to = showing(this.#to, box, this.size);
    const out = to.x !== this.#to.x || to.y !== this.#to.y;
    if (out) this.glide(to);
    return out;
  }

  /** @param {number} x @param {number} y */
  pan(x, y) {
    this.byHand();
    this.look({ ...this.sight, x: this.sight.x + x, y: this.sight.y + y });
  }

  /** Show this at once. @param {Sight} sight */
  look(sight) {
    cancelAnimationFrame(this.#frame);
    this.#to = sight;
    this.#write(sight);
  }

  /** Go there within a moment; at once for whoever wants no motion. @param {Sight} to */
  glide(to) {
    cancelAnimationFrame(this.#frame);
    this.#to = to;
    if (!this.size.width || matchMedia("(prefers-reduced-motion: reduce)").matches) return this.#write(to);
    const from = this.sight;
    const start = performance.now();
    const step = () => {
      const t = within((performance.now() - start) / GLIDE, 0, 1);
      const ease = 1 - (1 - t) ** 3;
      /** @param {keyof Sight} name */
      const mix = (name) => from[name] + (to[name] - from[name]) * ease;
      this.#write({ x: mix("x"), y: mix("y"), zoom: mix("zoom") });
      if (t < 1) this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
    return undefined;
  }

  /** A point of the page as one of the graph. @param {{clientX: number, clientY: number}} point */
  point({ clientX, clientY }) {
    const { left, top } = this.stage.getBoundingClientRect();
    const { x, y, zoom } = this.sight;
    return { x: (clientX - left - x) / zoom, y: (clientY - top - y) / zoom };
  }

  /** @param {Sight} sight */
  #write(sight) {
    this.sight = sight;
    const { x, y, zoom } = sight;
    this.scene.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${zoom.toFixed(4)})`);
    const touch = this.bounds().height * zoom > this.size.height ? "none" : "pan-y";
    if (touch !== this.touch) this.stage.style.setProperty("touch-action", touch);
    this.touch = touch;
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (event.ctrlKey || event.metaKey) {
      const { left, top } = this.stage.getBoundingClientRect();
      this.byHand();
      const about = { x: event.clientX - left, y: event.clientY - top };
      this.look(zoomed(this.sight, Math.exp(-event.deltaY * 0.005), about));
    } else if (sideways) this.pan(-(event.deltaX || event.deltaY), 0);
    else return; // the page's
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (!this.#fingers.size) this.#moved = 0;
    this.#fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    const after = { x: event.clientX, y: event.clientY };
    this.#moved += Math.abs(after.x - before.x) + Math.abs(after.y - before.y);
    if (this.#moved <= SLACK) return;
    // Only now: a captured pointer's click would be the stage's, not that of what it is on.
    if (!this.stage.hasPointerCapture(event.pointerId)) this.stage.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, after);
    const other = [...this.#fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (!other) return this.pan(after.x - before.x, after.y - before.y);
    const { left, top } = this.stage.getBoundingClientRect();
    /** @param {{x: number, y: number}} a */
    const apart = (a) => Math.hypot(a.x - other.x, a.y - other.y);
    this.byHand();
    const about = { x: (after.x + other.x) / 2 - left, y: (after.y + other.y) / 2 - top };
    this.look(zoomed(this.sight, apart(after) / Math.max(1, apart(before)), about));
    return undefined;
  }
}
