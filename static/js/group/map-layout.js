/**
 * Where stars and lines of a group's map stand: the leader in the centre, the others on a ring around it or, when they
 * are many, in shells, so that no star and no name touches another or leaves the map. Pure; lengths in CSS pixels.
 */

/**
 * @typedef {"large" | "medium" | "small"} Size large and medium: the name and what it is at; small: none
 * @typedef {{id: string, x: number, y: number, r: number, label: string, box: Box}} Placed `box` holds star and label
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 * @typedef {{width: number, height: number, size: Size, stars: Placed[], rings: {rx: number, ry: number}[],
 *   centre: {x: number, y: number}}} Layout
 * @typedef {{x: number, y: number}} Point
 * @typedef {{from: Point, bend: Point, to: Point}} Curve
 */

/** Of each size: the star's radius, the box of star and label, and how many others it is for. */
const SIZES = {
  large: { r: 22, width: 112, height: 88, most: 8 },
  medium: { r: 15, width: 96, height: 70, most: 40 },
  small: { r: 9, width: 26, height: 26, most: Infinity },
};
/** The leader is as large as its name is wide, whatever the others are. */
const LEADER = { r: 28, width: 124, height: 104 };
/** Between the map's edge and what is on it, and between two boxes. */
const EDGE = 6;
const APART = 4;
/** Between the star and its label. */
const BELOW = 4;
/** How wide a map may be used: stars far apart are hard to take in. */
const WIDEST = 860;

/** How many stand on one ring, if it has room for them. */
const RING = 12;
/** How tall a map is at least. */
const LOWEST = 168;

/** How wide a text is at 12 px, estimated a little too large. @param {string} text */
export function textWidth(text) {
  let width = 0;
  for (const letter of text) {
    if (/[\u1100-\uFFFF]|[\u{10000}-\u{10FFFF}]/u.test(letter)) width += 13;
    else if (/[A-Zmw@%]/.test(letter)) width += 9.6;
    else width += /[iljtf.,:;'|-]/.test(letter) ? 5 : 7.3;
  }
  return width;
}

/**
 * The text, or its beginning and its end when it is too wide: ends tell agents apart.
 * @param {string} text
 * @param {number} width
 * @returns {string}
 */
export function shortened(text, width) {
  if (textWidth(text) <= width) return text;
  const letters = [...text];
  for (let kept = letters.length - 1; kept > 1; kept -= 1) {
    const tail = Math.min(Math.floor(kept / 2), 6);
    const short = `${letters.slice(0, kept - tail).join("")}…${letters.slice(-tail).join("")}`;
    if (textWidth(short) <= width) return short;
  }
  return "…";
}

/**
 * Places for these members, the leader (if there is one) apart from the others.
 * @param {string | null} leader
 * @param {string[]} others
 * @param {number} width
 * @returns {Layout}
 */
export function layout(leader, others, width) {
  const used = Math.max(240, Math.min(width, WIDEST));
  const size = sizeFor(others.length, used);
  const { points, rings, height, middle } = arranged(others.length, size, used);
  const centre = { x: width / 2, y: middle };
  const stars = points.map((point, index) => star(others[index] ?? "", size, shift(point, centre)));
  if (leader !== null) stars.unshift(star(leader, "leader", centre));
  return { width, height, size, stars, rings, centre };
}

/** @type {(point: Point, by: Point) => Point} */
const shift = (point, by) => ({ x: point.x + by.x, y: point.y + by.y });

/** The largest size that the number and the width allow. @type {(count: number, width: number) => Size} */
function sizeFor(count, width) {
  // A narrow map has room for fewer.
  const room = width < 480 ? 0.5 : 1;
  if (count <= SIZES.large.most * room) return "large";
  return count <= SIZES.medium.most * room ? "medium" : "small";
}

/** @type {(id: string, size: Size | "leader", at: Point) => Placed} */
function star(id, size, at) {
  const { r, width, height } = size === "leader" ? LEADER : SIZES[size];
  const box = boxAt(at, { width, height }, r, size === "small");
  return { id, ...at, r, label: size === "small" ? "" : shortened(id, width - 8), box };
}

/** The box around a star: the label hangs below it, so it is not in the middle. */
/** @type {(at: Point, size: {width: number, height: number}, r: number, bare: boolean) => Box} */
function boxAt(at, { width, height }, r, bare) {
  const top = bare ? height / 2 : r + BELOW;
  return { x: at.x - width / 2, y: at.y - top, width, height };
}

/** Whether two boxes come nearer than `APART`. @type {(one: Box, other: Box) => boolean} */
const touch = (one, other) =>
  one.x < other.x + other.width + APART &&
  other.x < one.x + one.width + APART &&
  one.y < other.y + other.height + APART &&
  other.y < one.y + one.height + APART;

/**
 * Points around (0, 0), and the height they need: on one ring if that is not too tall, else in shells.
 * @param {number} count
 * @param {Size} size
 * @param {number} width
 * @returns {{points: Point[], rings: {rx: number, ry: number}[], height: number, middle: number}} `middle`: how far
 * down the leader stands
 */
function arranged(count, size, width) {
  if (!count) return { points: [], rings: [], ...heightOf([]) };
  const { r, width: wide, height: high } = SIZES[size];
  const box = (/** @type {Point} */ point) => boxAt(point, { width: wide, height: high }, r, size === "small");
  const tallest = count <= RING ? Math.min(270, width / 2) : 0;
  for (let ry = 124; ry < tallest; ry += 6) {
    const ring = { rx: Math.min((width - wide) / 2 - EDGE, ry * 1.75), ry };
    const points = onEllipse(count, ring);
    if (!anyTouch(points.map(box))) return { points, rings: [ring], ...heightOf(points.map(box)) };
  }
  const points = inShells(count, box, width);
  return { points, rings: [], ...heightOf(points.map(box)) };
}

/** Whether any of these boxes comes too near to another one or to the leader's. @param {Box[]} boxes */
function anyTouch(boxes) {
  const all = [boxAt({ x: 0, y: 0 }, LEADER, LEADER.r, false), ...boxes];
  return all.some((box, index) => all.some((other, at) => at > index && touch(box, other)));
}

/** How tall a map is that has these boxes and the leader's, and where its middle is. @param {Box[]} boxes */
function heightOf(boxes) {
  const all = [boxAt({ x: 0, y: 0 }, LEADER, LEADER.r, false), ...boxes];
  const above = Math.max(...all.map(({ y }) => -y)) + EDGE;
  const below = Math.max(...all.map(({ y, height }) => y + height)) + EDGE;
  const more = Math.max(0, LOWEST - above - below);
  return { height: above + below + more, middle: above + more / 2 };
}

/**
 * The places nearest to the leader in a honeycomb: shells around it, wider than tall, as dense as can be.
 * @param {number} count
 * @param {(point: Point) => Box} box
 * @param {number} width
 * @returns {Point[]}
 */
function inShells(count, box, width) {
  const { width: wide, height: high } = box({ x: 0, y: 0 });
  const middle = boxAt({ x: 0, y: 0 }, LEADER, LEADER.r, false);
  const [across, down] = [wide + APART + 1, high + APART + 1];
  const most = (width - wide) / 2 - EDGE;
  // Two columns stand beside the leader's axis; more are staggered.
  const narrow = most < across;
  /** @type {(Point & {far: number})[]} */
  const free = [];
  for (let row = -count - 3; row <= count + 3; row += 1) {
    const first = narrow || row % 2 ? across / 2 : 0;
    for (let x = first; x <= most; x += across) {
      for (const side of x ? [-x, x] : [0]) {
        const point = { x: side, y: row * down };
        if (!touch(box(point), middle)) free.push({ ...point, far: Math.hypot(side / 1.45, point.y) });
      }
    }
  }
  return free
    .toSorted((one, other) => one.far - other.far || one.y - other.y || one.x - other.x)
    .slice(0, count)
    .map(({ x, y }) => ({ x, y }));
}

/** Points at equal distances along an ellipse: few begin at the left, where names have room, others at the top. */
/** @type {(count: number, ring: {rx: number, ry: number}) => Point[]} */
function onEllipse(count, { rx, ry }) {
  const steps = 360;
  const start = count === 1 || (count % 2 === 0 && count <= 4) ? Math.PI : -Math.PI / 2;
  const at = (/** @type {number} */ step) => {
    const angle = start + (2 * Math.PI * step) / steps;
    return { x: rx * Math.cos(angle), y: ry * Math.sin(angle) };
  };
  let length = 0;
  const along = Array.from({ length: steps + 1 }, (_, step) => {
    const [one, other] = [at(Math.max(0, step - 1)), at(step)];
    length += Math.hypot(other.x - one.x, other.y - one.y);
    return length;
  });
  return Array.from({ length: count }, (_, number) => at(along.findIndex((far) => far >= (length * number) / count)));
}

/**
 * The line between two stars: straight from and to the centre, else bent around it.
 * @param {Point} from
 * @param {Point} to
 * @param {Point} centre
 * @returns {Curve}
 */
export function curve(from, to, centre) {
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  const ends = [from, to].some(({ x, y }) => x === centre.x && y === centre.y);
  if (ends) return { from, bend: middle, to };
  const away = { x: middle.x - centre.x, y: middle.y - centre.y };
  const far = Math.hypot(away.x, away.y);
  const span = Math.hypot(to.x - from.x, to.y - from.y);
  // Opposite stars have the centre between them: the line goes round it at a right angle.
  const side = far > 1 ? { x: away.x / far, y: away.y / far } : { x: (to.y - from.y) / span, y: (from.x - to.x) / span };
  const by = far > 1 ? span * 0.18 : span * 0.42;
  return { from, bend: { x: middle.x + side.x * by, y: middle.y + side.y * by }, to };
}

/** The point of a curve after that part of it, 0 to 1. @type {(curve: Curve, part: number) => Point} */
export function pointAt({ from, bend, to }, part) {
  const rest = 1 - part;
  const mix = (/** @type {"x" | "y"} */ axis) => rest * rest * from[axis] + 2 * rest * part * bend[axis] + part * part * to[axis];
  return { x: mix("x"), y: mix("y") };
}

/**
 * Where the number of messages stands on a line: between the label of the upper star and the lower star.
 * @type {(curve: Curve) => Point}
 */
export function countAt(curve) {
  const { from, to } = curve;
  const down = (to.y - from.y) / (Math.hypot(to.x - from.x, to.y - from.y) || 1);
  return pointAt(curve, 0.5 + 0.14 * down);
}

/** A text that is cut at its end when it is too wide. @param {string} text @param {number} width */
export function clipped(text, width) {
  const letters = [...text];
  while (letters.length && textWidth(letters.join("")) > width - 10) letters.pop();
  return letters.length < [...text].length ? `${letters.join("").trimEnd()}…` : text;
}

/** How thick a line is over which so many messages went. @param {number} messages */
export const thickness = (messages) => 1 + Math.min(4, Math.log2(1 + messages) * 0.7);

/**
 * The star that an arrow key leads to: the nearest one in that direction; the same one when there is none.
 * @param {Placed[]} stars
 * @param {string} from
 * @param {string} key
 * @returns {string}
 */
export function nextStar(stars, from, key) {
  const here = stars.find(({ id }) => id === from);
  if (!here) return stars[0]?.id ?? "";
  const [dx, dy] = /** @type {Record<string, [number, number]>} */ ({
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  })[key] ?? [0, 0];
  let best = { id: from, cost: Infinity };
  for (const { id, x, y } of stars) {
    const along = (x - here.x) * dx + (y - here.y) * dy;
    const aside = Math.abs((x - here.x) * dy) + Math.abs((y - here.y) * dx);
    if (id === from || along < 1 || aside > 2 * along) continue;
    const cost = along + 2 * aside;
    if (cost < best.cost) best = { id, cost };
  }
  return best.id;
}
