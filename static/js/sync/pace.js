/** When to connect again, and how often to act at most: pure but for the clock. */

const BASE = 500;
const CAP = 30_000;

/** Milliseconds before the next attempt: exponential with full jitter (Brooker, 2015), never less than was asked. @param {number} failed */
export function pause(failed, { atLeast = 0, random = Math.random } = {}) {
  return Math.max(atLeast, random() * Math.min(CAP, BASE * 2 ** Math.min(failed, 16)));
}

/** A function that calls `act` at once and then at most every `every` milliseconds, the last call never lost. @param {() => void} act @param {number} every */
export function throttled(act, every) {
  let timer = 0;
  let again = false;
  const run = () => {
    if (timer) {
      again = true;
      return;
    }
    timer = setTimeout(() => {
      timer = 0;
      if (again) {
        again = false;
        run();
      }
    }, every);
    act();
  };
  run.stop = () => {
    clearTimeout(timer);
    timer = 0;
    again = false;
  };
  return run;
}
