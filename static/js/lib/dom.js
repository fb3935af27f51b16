/**
 * Making, finding and changing elements without innerHTML, so that nothing an agent writes is ever parsed as HTML.
 *
 * @import { Children, Props } from "../types.d.ts"
 */

/**
 * A new element. `props` sets properties and attributes (`class`, `data-*`, `aria-*` and `role` as attributes,
 * `on*` as listeners, `style` as custom properties); null and false props and children are left out.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Props | null} [props]
 * @param {...Children} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (name === "style") setStyle(node, /** @type {Record<string, string>} */ (value));
    else if (name in node && !name.includes("-") && name !== "list") Reflect.set(node, name, value);
    else node.setAttribute(name === "className" ? "class" : name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) if (child !== null && child !== undefined && child !== false) node.append(child);
  return node;
}

/**
 * The first element in `root` that `selector` means, which must be there and of this kind.
 *
 * @template {Element} [Kind=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => Kind} [kind]
 * @returns {Kind}
 */
export function find(root, selector, kind) {
  const found = root.querySelector(selector);
  if (found instanceof (kind ?? HTMLElement)) return /** @type {Kind} */ (found);
  throw new TypeError(`The page has no ${selector}.`);
}

/**
 * The part of an element that its template names by `data-ref`.
 *
 * @template {Element} [Kind=HTMLElement]
 * @param {ParentNode} root
 * @param {string} name
 * @param {new () => Kind} [kind]
 * @returns {Kind}
 */
export const ref = (root, name, kind) => find(root, `[data-ref="${name}"]`, kind);

/**
 * The nearest element around what an event was about, of those that `selector` means.
 *
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export const around = (event, selector) =>
  event.target instanceof Element ? /** @type {HTMLElement | null} */ (event.target.closest(selector)) : null;

/**
 * The field of a form by its name, which must be there.
 *
 * @param {HTMLFormElement} form
 * @param {string} name
 * @returns {HTMLInputElement}
 */
export function field(form, name) {
  const found = form.elements.namedItem(name);
  if (found instanceof Element) return /** @type {HTMLInputElement} */ (found);
  throw new TypeError(`The form has no field ${name}.`);
}

/**
 * Set style properties by script, which a strict content security policy allows.
 *
 * @param {ElementCSSInlineStyle} node
 * @param {Record<string, string>} values
 */
export function setStyle(node, values) {
  for (const [name, value] of Object.entries(values)) node.style.setProperty(name, value);
}

/** An icon of the page's sprite (`templates/components/_icons.svg`), by name. */
export function icon(/** @type {string} */ name, label = "") {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("class", "icon");
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else {
    svg.setAttribute("aria-hidden", "true");
  }
  const use = document.createElementNS(ns, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/**
 * Show or hide; returns whether it is shown.
 *
 * @param {HTMLElement} node
 * @param {boolean} shown
 */
export function show(node, shown) {
  node.hidden = !shown;
  return shown;
}

/**
 * Change an element's text only when it differs, so that screen readers and selections are left in peace.
 *
 * @param {Element} node
 * @param {string} value
 */
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}
