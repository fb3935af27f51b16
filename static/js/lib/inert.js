/**
 * HTML of which nobody knows who wrote it, as elements that can do nothing: parsed into a document that runs and fetches
 * nothing, and built anew from the few elements that a text needs. Nothing of the parsed tree enters the page.
 */

/** What is built again; of other elements what is in them. */
const KEPT = new Set([
  "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "hr", "br",
  "strong", "em", "code", "del", "s", "a", "table", "thead", "tbody", "tr", "th", "td",
]);
/** What is in these is no text for people. */
const DROPPED = new Set(["script", "style", "template", "noscript", "iframe", "object", "textarea", "title"]);
/** Nobody nests texts so deep; a hostile file may. */
const DEEPEST = 100;
const [ELEMENT, TEXT] = [1, 3];

/** @param {string} html @returns {DocumentFragment} */
export function inert(html) {
  const fragment = document.createDocumentFragment();
  fragment.append(...built(new DOMParser().parseFromString(html, "text/html").body.childNodes, document));
  return fragment;
}

/**
 * The nodes built anew by `make`.
 * @param {Iterable<Node>} nodes
 * @param {Pick<Document, "createElement" | "createTextNode">} make
 * @param {number} [depth]
 * @returns {Node[]}
 */
export function built(nodes, make, depth = 0) {
  return [...nodes].flatMap((node) => {
    if (node.nodeType === TEXT) return [make.createTextNode(node.textContent ?? "")];
    if (node.nodeType !== ELEMENT || depth > DEEPEST) return [];
    const element = /** @type {Element} */ (node);
    const name = element.localName;
    if (DROPPED.has(name)) return [];
    const inside = built(element.childNodes, make, depth + 1);
    const href = name === "a" ? (element.getAttribute("href") ?? "") : "";
    if (!KEPT.has(name) || (name === "a" && !/^https?:\/\//i.test(href))) return inside;
    const fresh = make.createElement(name);
    if (name === "a") {
      fresh.setAttribute("href", href);
      fresh.setAttribute("rel", "noopener noreferrer nofollow");
    }
    fresh.append(...inside);
    if (name !== "table") return [fresh];
    // Wide tables scroll within themselves, as those that the server renders.
    const scroll = make.createElement("div");
    scroll.setAttribute("class", "table-scroll");
    scroll.setAttribute("tabindex", "0");
    scroll.append(fresh);
    return [scroll];
  });
}
