/**
 * Bring an element's content to that of HTML which the server has made, touching only what differs: focus, scrolled
 * tables, open folds and marked text stay as they are.
 *
 * Children are matched by `id` or `data-key`, else by their place. Elements of a class with `ownsContent` write their
 * own text; one that is `armed`, or marked `data-refused` (it says what was wrong), is left alone.
 */

/**
 * Make the element's content that of the HTML.
 *
 * @param {Element} element
 * @param {string} html
 */
export function morph(element, html) {
  const wanted = document.createElement("template");
  wanted.innerHTML = html;
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  children(element, wanted.content);
  // What had to change places has lost the focus.
  if (focused instanceof HTMLElement && focused.isConnected && focused !== document.activeElement) {
    focused.focus({ preventScroll: true });
  }
}

/** @param {Node} node */
const keyOf = (node) => (node instanceof Element ? node.id || node.getAttribute("data-key") || "" : "");

/**
 * @param {ParentNode & Node} into
 * @param {Node} from
 */
function children(into, from) {
  const keyed = new Map([...into.children].filter(keyOf).map((node) => [keyOf(node), node]));
  const stays = new Set([...from.childNodes].map(keyOf).filter(Boolean));
  /** @type {Node | null} */
  let at = into.firstChild;
  for (const wanted of Array.from(from.childNodes)) {
    const key = keyOf(wanted);
    const kept = key ? keyed.get(key) : at && !keyOf(at) ? at : null;
    if (!kept || kept.nodeName !== wanted.nodeName) {
      into.insertBefore(wanted, at);
      continue;
    }
    // What stood before it and is gone goes first: so it need not move, which would interrupt whoever types in it.
    while (at && at !== kept && isGone(at, stays)) {
      const next = at.nextSibling;
      into.removeChild(at);
      at = next;
    }
    if (kept === at) at = at.nextSibling;
    else into.insertBefore(kept, at);
    one(kept, wanted);
  }
  while (at) {
    const next = at.nextSibling;
    into.removeChild(at);
    at = next;
  }
}

/**
 * Whether it is text, which is made anew at no loss, or what is wanted no longer.
 *
 * @param {Node} node
 * @param {Set<string>} stays
 */
const isGone = (node, stays) => !(node instanceof Element) || (keyOf(node) !== "" && !stays.has(keyOf(node)));

/**
 * @param {Node} node
 * @param {Node} wanted
 */
function one(node, wanted) {
  if (!(node instanceof Element && wanted instanceof Element)) {
    if (node.nodeValue !== wanted.nodeValue) node.nodeValue = wanted.nodeValue;
    return;
  }
  if (("armed" in node && node.armed) || node.hasAttribute("data-refused")) return;
  for (const { name } of Array.from(node.attributes)) {
    if (!wanted.hasAttribute(name) && !isTheirs(node, name)) node.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (node.getAttribute(name) !== value && !isTheirs(node, name)) node.setAttribute(name, value);
  }
  if (!("ownsContent" in node.constructor)) children(node, wanted);
}

/**
 * Whether a fold is open is up to whoever looks.
 *
 * @param {Element} node
 * @param {string} name
 */
const isTheirs = (node, name) => node.nodeName === "DETAILS" && name === "open";
