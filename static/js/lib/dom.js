/** Making and changing elements without innerHTML, so that nothing an agent writes is ever parsed as HTML. */

/**
 * A new element. `props` sets properties and attributes (`class`, `data-*`, `aria-*` and `role` as attributes,
 * `on*` as listeners, `style` as custom properties); null and false props and children are left out.
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") setStyle(node, value);
    else if (name in node && !name.includes("-") && name !== "list") node[name] = value;
    else node.setAttribute(name === "className" ? "class" : name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Set style properties by script, which a strict content security policy allows. */
export function setStyle(node, values) {
  for (const [name, value] of Object.entries(values)) node.style.setProperty(name, value);
}

/** An icon of the page's sprite (`templates/components/_icons.svg`), by name. */
export function icon(name, label = "") {
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

/** Show or hide; returns whether it is shown. */
export function show(node, shown) {
  node.hidden = !shown;
  return shown;
}

/** Change an element's text only when it differs, so that screen readers and selections are left in peace. */
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}
