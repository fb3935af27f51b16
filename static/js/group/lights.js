/** What passes between members, as lights that travel along the lines; or, where motion is unwanted, as lines lit up. */

import { pointAt } from "./map-layout.js";
import { lineKey } from "./map-state.js";
import { Pulses, TRAVEL } from "./pulses.js";
import { svg } from "./star-node.js";

/** @import { Curve } from "./map-layout.js" */
/** @import { Passing } from "./map-state.js" */

const STILL = matchMedia("(prefers-reduced-motion: reduce)");
/** Places on a line that a light is told of; between them it goes straight. */
const STEPS = 10;
/** Milliseconds that a star or line stays lit. */
const LIT = 600;

/**
 * Who draws passings into `into`, as many as can be seen.
 * @param {SVGGElement} into
 * @param {(line: string) => Curve | undefined} curveOf
 * @param {(line: string) => SVGGElement | undefined} lineOf
 * @param {(agent: string) => SVGGElement | undefined} starOf
 * @returns {(passing: Passing) => void}
 */
export function drawLights(into, curveOf, lineOf, starOf) {
  const pulses = new Pulses();
  return ({ from, to, what }) => {
    if (from === to) {
      if (pulses.offer(`at ${to}`, performance.now())) light(starOf(to));
      return;
    }
    const key = lineKey(from, to);
    const curve = curveOf(key);
    const told = curve ? pulses.offer(key, performance.now()) : 0;
    if (!curve || !told) return;
    light(starOf(to));
    if (STILL.matches) light(lineOf(key));
    else travel(into, key.startsWith(`${from} `) ? curve : { from: curve.to, bend: curve.bend, to: curve.from }, what, told);
  };
}

/** @param {Element | undefined} node */
function light(node) {
  if (!node || node.classList.contains("is-lit")) return;
  node.classList.add("is-lit");
  setTimeout(() => node.classList.remove("is-lit"), LIT);
}

/** @type {(into: SVGGElement, curve: Curve, what: string, told: number) => void} */
function travel(into, curve, what, told) {
  const dot = svg("circle", { class: "light", "data-what": what, r: 3 + Math.min(4, Math.log2(told)) });
  into.append(dot);
  const frames = Array.from({ length: STEPS + 1 }, (_, step) => {
    const { x, y } = pointAt(curve, step / STEPS);
    return { transform: `translate(${x}px, ${y}px)`, opacity: step === 0 || step === STEPS ? 0 : 1 };
  });
  const moving = dot.animate(frames, { duration: TRAVEL, easing: "ease-in-out" });
  const gone = () => dot.remove();
  moving.finished.then(gone, gone);
}
