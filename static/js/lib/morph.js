/**
 * Bring an element's content to that of HTML which the server has made, touching only what differs: focus, scrolled
 * tables, open folds and marked text stay as they are.
 *
 * Children are matched by `id` or `data-key`, else by their place. Elements of a class with `ownsContent` write their
 * own text; one that is `armed` is left alone.
 */

/** Make the element's content that of the HTML. */
export function morph(element, html) {
  const wanted = document.createElement("template");
  wanted.innerHTML = html;
  children(element, wanted.content);
}

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset?.key || "" : "");

function children(into, from) {
  const keyed = new Map([...into.children].map((node) => [keyOf(node), node]).filter(([key]) => key));
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
    at.remove();
    at = next;
  }
}

function one(node, wanted) {
  if (node.nodeType !== Node.ELEMENT_NODE) {
    if (node.data !== wanted.data) node.data = wanted.data;
    return;
  }
  if (node.armed) return;
  for (const { name } of Array.from(node.attributes)) {
    if (!wanted.hasAttribute(name) && !isTheirs(node, name)) node.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (node.getAttribute(name) !== value && !isTheirs(node, name)) node.setAttribute(name, value);
  }
  if (!node.constructor.ownsContent) children(node, wanted);
}

/** Whether a fold is open is up to whoever looks. */
const isTheirs = (node, name) => node.nodeName === "DETAILS" && name === "open";
