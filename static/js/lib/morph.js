/**
 * Bring an element's content to that of HTML which the server has made, touching only what differs: focus, scrolled
 * tables, open folds and marked text stay as they are.
 *
 * Children are matched by `id` or `data-key`, else by their place. Elements of a class with `ownsContent` write their
 * own text; one that is `armed` is left alone.
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
  children(element, wanted.content);
}

/** @param {Node} node */
const keyOf = (node) => (node instanceof Element ? node.id || node.getAttribute("data-key") || "" : "");

/**
 * @param {ParentNode & Node} into
 * @param {Node} from
 */
function children(into, from) {
  const keyed = new Map([...into.children].filter(keyOf).map((node) => [keyOf(node), node]));
  /** @type {Node | null} */
  let at = into.firstChild;
  for (const wanted of Array.from(from.childNodes)) {
    const key = keyOf(wanted);
    const kept = key ? keyed.get(key) : at && !keyOf(at) ? at : null;
    if (!kept || kept.nodeName !== wanted.nodeName) {
      into.insertBefore(wanted, at);
      continue;
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
 * @param {Node} node
 * @param {Node} wanted
 */
function one(node, wanted) {
  if (!(node instanceof Element && wanted instanceof Element)) {
    if (node.nodeValue !== wanted.nodeValue) node.nodeValue = wanted.nodeValue;
    return;
  }
  if ("armed" in node && node.armed) return;
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
