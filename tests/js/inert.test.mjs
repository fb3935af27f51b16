import assert from "node:assert/strict";
import { test } from "node:test";
import { built } from "../../static/js/lib/inert.js";

// As much of a document as it takes; what it makes is written as HTML. The page itself: tests/browser/test_takeaway.py.
const text = (words) => ({ nodeType: 3, textContent: words });
const el = (localName, attributes = {}, ...childNodes) => ({ nodeType: 1, localName, childNodes, getAttribute: (name) => attributes[name] ?? null });
const make = {
  createTextNode: (words) => words,
  createElement(name) {
    const [set, children] = [[], []];
    return {
      setAttribute: (key, value) => set.push(` ${key}="${value}"`),
      append: (...more) => children.push(...more),
      toString: () => `<${name}${set.join("")}>${children.join("")}</${name}>`,
    };
  },
};
const html = (...nodes) => built(nodes, make).join("");

test("text is built again, without any attribute", () => {
  const given = el("h2", { id: "x", onclick: "alert(1)", class: "y", style: "position:fixed" }, text("Ships"), el("strong", {}, text("7")));
  assert.equal(html(given, el("ul", {}, el("li", { onfocus: "alert(1)", tabindex: "0" }, text("one")))), "<h2>Ships<strong>7</strong></h2><ul><li>one</li></ul>");
});

test("a link leads to the web, or is no link", () => {
  assert.equal(
    html(el("a", { href: "https://example.com/", target: "_top", onclick: "x" }, text("a"))),
    '<a href="https://example.com/" rel="noopener noreferrer nofollow">a</a>',
  );
  for (const href of ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "//evil.example", "/logout", "java\nscript:x", "http:evil", ""]) {
    assert.equal(html(el("a", { href }, text("a"))), "a", href);
  }
  assert.equal(html(el("a", {}, text("a"))), "a");
});

test("what is no text is left out; of what is unknown the text stays", () => {
  const hostile = ["script", "style", "template", "iframe", "object", "noscript"].map((name) => el(name, { src: "//evil" }, text("alert(1)")));
  assert.equal(html(...hostile, el("img", { src: "x", onerror: "alert(1)" }), { nodeType: 8, textContent: "<b>" }), "");
  assert.equal(html(el("form", { action: "//evil" }, el("svg", { onload: "x" }, text("a")), el("stars-run", {}, el("em", {}, text("b"))))), "a<em>b</em>");
});

test("a table scrolls within itself", () => {
  const table = el("table", {}, el("tbody", {}, el("tr", {}, el("td", { align: "right" }, text("1")))));
  assert.equal(html(table), '<div class="table-scroll" tabindex="0"><table><tbody><tr><td>1</td></tr></tbody></table></div>');
});

test("what is nested beyond reason is cut, not followed", () => {
  let deep = text("deep");
  for (let n = 0; n < 5_000; n += 1) deep = el("blockquote", {}, deep);
  assert.equal(html(deep).includes("deep"), false);
});
