import assert from "node:assert/strict";
import { test } from "node:test";
import { FARTHEST, fitting, NEAREST, showing, zoomed } from "../../static/js/run/graph-camera.js";
import { layout } from "../../static/js/run/graph-layout.js";
import { edgePath } from "../../static/js/run/graph-scene.js";
import { wrap } from "../../static/js/run/graph-text.js";

const stage = { width: 800, height: 400 };
const seen = ({ x, y, zoom }, box) => ({
  left: box.x * zoom + x,
  right: (box.x + box.width) * zoom + x,
  top: box.y * zoom + y,
  foot: (box.y + box.height) * zoom + y,
});

test("what fits is shown in the middle, no larger than it was drawn", () => {
  const small = { x: 0, y: -50, width: 300, height: 100 };
  const sight = fitting(small, stage);
  assert.deepEqual(seen(sight, small), { left: 250, right: 550, top: 150, foot: 250 });
  assert.equal(sight.zoom, 1);
});

test("what does not fit is made smaller, but stays readable unless all of it is wanted", () => {
  const large = { x: 0, y: 0, width: 8000, height: 300 };
  assert.ok(seen(fitting(large, stage), large).left > 0, "its beginning is shown");
  assert.ok(fitting(large, stage).zoom >= 0.7);
  assert.equal(fitting(large, stage, FARTHEST).zoom, FARTHEST);
  const wide = { ...large, width: 1600 };
  const { left, right } = seen(fitting(wide, stage, FARTHEST), wide);
  assert.ok(left > 0 && right < stage.width);
});

test("on a phone all columns are shown, as long as one can tell what they are", () => {
  const phone = { width: 340, height: 420 };
  const columns = (number) => ({ x: 0, y: -300, width: number * 200, height: 600 });
  for (const number of [2, 3, 4]) {
    const { left, right } = seen(fitting(columns(number), phone), columns(number));
    assert.ok(left >= 0 && right <= phone.width, `${number}: ${left} to ${right}`);
  }
  const turned = { width: 800, height: 300 };
  assert.ok(fitting(columns(4), turned).zoom > fitting(columns(4), phone).zoom, "there is room when it is turned");
  const many = fitting(columns(20), phone);
  assert.equal(many.zoom, 0.4);
  assert.ok(seen(many, columns(20)).left > 0);
  assert.deepEqual(showing(fitting(columns(3), phone), { x: 0, y: -20, width: 180, height: 40 }, phone), fitting(columns(3), phone));
});

test("zooming keeps the point under the pointer, within bounds", () => {
  const sight = { x: 10, y: 20, zoom: 1 };
  const about = { x: 200, y: 100 };
  const near = zoomed(sight, 1.5, about);
  const point = ({ x, y, zoom }) => [(about.x - x) / zoom, (about.y - y) / zoom];
  assert.deepEqual(point(near), point(sight));
  assert.equal(zoomed(sight, 100, about).zoom, NEAREST);
  assert.equal(zoomed(sight, 0, about).zoom, FARTHEST);
});

test("what is in sight moves nothing, what is out of it no more than needed", () => {
  const sight = { x: 0, y: 0, zoom: 1 };
  assert.deepEqual(showing(sight, { x: 100, y: 100, width: 200, height: 60 }, stage), sight);
  const box = { x: 900, y: -300, width: 200, height: 60 };
  const { right, top } = seen(showing(sight, box, stage), box);
  assert.ok(right <= stage.width && top >= 0);
});

test("a line begins at one node and ends, but for its arrow, at the other", () => {
  const { edges } = layout([{ id: "a", needs: [] }, { id: "b", needs: ["a"] }, { id: "c", needs: ["a"] }]);
  for (const { points } of edges) {
    const numbers = edgePath(points).match(/-?[\d.]+/g).map(Number);
    assert.deepEqual(numbers.slice(0, 2), [points[0].x, points[0].y]);
    assert.equal(numbers.at(-1), points.at(-1).y);
    assert.ok(numbers.at(-2) < points.at(-1).x);
  }
  assert.equal(edgePath([]), "");
});

const ten = (text) => text.length * 10;

test("titles break at spaces, end in an ellipsis, and Chinese breaks anywhere", () => {
  assert.deepEqual(wrap("Count the ships", 200, 2, ten), ["Count the ships"]);
  assert.deepEqual(wrap("  Count\nthe   ships ", 100, 2, ten), ["Count the", "ships"]);
  assert.deepEqual(wrap("Count all the ships of the harbour", 100, 2, ten), ["Count all", "the ships…"]);
  assert.deepEqual(wrap("清点港口里的所有船只和驳船", 60, 2, ten), ["清点港口里的", "所有船只和…"]);
  assert.deepEqual(wrap("Donaudampfschifffahrt", 100, 2, ten), ["Donaudampf", "schifffah…"]);
  assert.deepEqual(wrap("", 100, 2, ten), []);
});

test("a title is never cut within a character of two halves", () => {
  for (let room = 10; room < 200; room += 10) {
    for (const line of wrap("🚢🚢🚢🚢🚢🚢🚢🚢", room, 2, ten)) assert.ok(line.isWellFormed(), line);
  }
});
