import assert from "node:assert/strict";
import { test } from "node:test";
import { Film, LONGEST, Player, SPEEDS } from "../../static/js/run/replay.js";

/** A film whose events are so many milliseconds after its first. */
function film(...times) {
  const made = new Film();
  made.take(times.map((ms) => ({ at: new Date(Date.UTC(2026, 0, 1) + ms).toISOString() })));
  return made;
}

test("events are due as they were, and on from then until the next", () => {
  const made = film(0, 100, 100, 5000);
  assert.deepEqual([0, 99, 100, 4999, 5000, 9e9].map((time) => made.on(time)), [1, 1, 3, 3, 4, 4]);
  assert.deepEqual([made.due(1), made.due(3), made.length, made.events], [0, 100, 5000, 4]);
});

test("idle stretches are cut short on demand, and the clock still tells how long it was", () => {
  const made = film(0, 100, 600_100, 600_200);
  made.shorten(true);
  assert.equal(made.length, 100 + LONGEST + 100);
  assert.equal(made.since(3), 600_100);
  made.shorten(false);
  assert.equal(made.length, 600_200);
});

test("a clock that goes back holds the film up, but never turns it round", () => {
  const made = film(0, 1000, 400, 1500);
  assert.deepEqual([1, 2, 3, 4].map((n) => made.due(n)), [0, 1000, 1000, 1500]);
});

test("the player goes on by the time that has passed and the speed, and stops at the end", () => {
  const player = new Player(film(0, 1000, 2000, 3000));
  player.playing = true;
  assert.equal(player.advance(100, 10), 2);
  assert.equal(player.advance(500, 1), 2, "between two events the first of them is on");
  assert.equal(player.advance(500, 1), 3);
  assert.equal(player.advance(10_000, 0.1), null);
  assert.equal(player.playing, false);
});

test("from any event on the film goes on as from the beginning", () => {
  const player = new Player(film(0, 1000, 2000, 3000));
  player.seek(3);
  assert.equal(player.advance(999, 1), 3);
  player.seek(2);
  assert.equal(player.advance(1000, 1), 3);
});

test("a run that still goes on lengthens the film", () => {
  const made = film(0, 1000);
  const player = new Player(made);
  player.seek(2);
  made.take([{ at: new Date(Date.UTC(2026, 0, 1) + 2000).toISOString() }]);
  assert.equal(player.advance(500, 1), 2);
});

test("faster and slower go through the speeds and end with them", () => {
  assert.equal(Player.speed(1, 1), 2);
  assert.equal(Player.speed(0.3, -1), 0.1);
  assert.equal(Player.speed(20, 1), 20);
  assert.equal(Player.speed(0.1, -1), 0.1);
  assert.deepEqual([SPEEDS[0], SPEEDS.at(-1)], [0.1, 20]);
});
