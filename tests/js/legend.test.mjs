// The legend on `?` lists every key there is: whoever listens to keys says so in it.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("../../static/js/", import.meta.url).pathname;
const LEGEND = "components/keys-legend.js";
/** Keys that one sees or knows where they are: the options of a list that is open, and the log's menus. */
const SEEN = ["components/command-palette.js", "group/mention-box.js", "lib/keys.js"];

const files = globSync("**/*.js", { cwd: ROOT }).map((name) => [name, readFileSync(ROOT + name, "utf8")]);
const registered = new Map(files.map(([name, text]) => [name, [...text.matchAll(/keys: (\[[^\]]*\]|"[^"]*")/g)].flatMap(([, written]) => [...written.matchAll(/"([^"]*)"/g)].map(([, key]) => key.toLowerCase()))]));
const everywhere = [...(files.find(([name]) => name === LEGEND)?.[1] ?? "").matchAll(/"((?:mod\+|shift\+)*[a-z]+)"/g)].map(([, key]) => key);

/** Who else of its widget tells what a part of it listens to. */
const WITH = new Map([
  ["run/graph-scene.js", "run/run-graph.js"],
  ["run/log-search.js", "run/log-keys.js"],
]);

for (const [name, text] of files) {
  const listens = /addEventListener\("keydown"|onkeydown/.test(text);
  if (!listens || SEEN.includes(name)) continue;
  test(`${name} tells in the legend which keys it takes`, () => {
    const taken = new Set([...text.matchAll(/(?:key === |case |\["|, \["|\[)"(Arrow\w+|Enter|Escape)"/g)].map(([, key]) => key.toLowerCase()));
    const told = [...(registered.get(name) ?? []), ...(registered.get(WITH.get(name) ?? "") ?? []), ...everywhere];
    // Ctrl+Enter is looked at as Enter with Ctrl.
    if (text.includes("metaKey")) told.push(...told.map((key) => key.replace("mod+", "")));
    assert.deepEqual([...taken].filter((key) => !told.includes(key)), []);
  });
}
