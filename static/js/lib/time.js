/** Times and sizes in words. Durations are in milliseconds. */

import { fill, gettext } from "./i18n.js";

/** The server's clock minus this machine's, in milliseconds; pages that tick set it. */
let skew = 0;

/** Tell what time it is on the server (ISO 8601), so that elapsed times are right on a machine whose clock is not. @param {string} iso */
export function setServerTime(iso) {
  skew = Date.parse(iso) - Date.now();
}

/** Now by the server's clock, milliseconds since the epoch. */
export const now = () => Date.now() + skew;

/** A duration as a person says it: 0.042 s, 0.4 s, 12.3 s, 3 min 05 s, 2 h 07 min. @param {number} ms */
export function duration(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 60) return fill(gettext("%(n)s s"), { n: s < 10 ? s.toFixed(s > 0 && s < 0.1 ? 3 : 1) : Math.round(s) });
  const pad = (/** @type {number} */ n) => String(Math.floor(n)).padStart(2, "0");
  if (s < 3600) return fill(gettext("%(m)s min %(s)s s"), { m: Math.floor(s / 60), s: pad(s % 60) });
  return fill(gettext("%(h)s h %(m)s min"), { h: Math.floor(s / 3600), m: pad((s % 3600) / 60) });
}

/** What takes less, in milliseconds, is told to the millisecond. */
export const BRIEF = 10_000;

/**
 * A duration within something that takes `whole`, to the millisecond when that is brief: 0.042 s.
 * @param {number} ms @param {number} whole @param {number} [digits]
 */
export function durationIn(ms, whole, digits = 3) {
  return whole < BRIEF ? fill(gettext("%(n)s s"), { n: (Math.max(0, ms) / 1000).toFixed(digits) }) : duration(ms);
}

/** A running clock that does not jump about: 4 s, 1:05, 2:07:09. @param {number} ms */
export function clock(ms) {
  const s = Math.floor(Math.max(0, ms) / 1000);
  if (s < 60) return fill(gettext("%(n)s s"), { n: s });
  const pad = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes}:${pad(s % 60)}`;
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(s % 60)}`;
}

/** The page's language, in which moments and numbers are written as well. */
export const language = () => globalThis.document?.documentElement.lang || "en";

/** A moment in full, by this machine's clock and in the page's language. @param {string | number} at */
export const moment = (at) => new Date(at).toLocaleString(language(), { dateStyle: "medium", timeStyle: "medium" });

/** A number with its thousands apart: 1,200. @param {number} n */
export const number = (n) => n.toLocaleString(language());

/** How long ago in words of the page's language. @param {string} iso */
export function ago(iso) {
  const seconds = (Date.parse(iso) - now()) / 1000;
  const words = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
  const size = Math.abs(seconds);
  if (size < 45) return gettext("just now");
  if (size < 2700) return words.format(Math.round(seconds / 60), "minute");
  if (size < 79200) return words.format(Math.round(seconds / 3600), "hour");
  return words.format(Math.round(seconds / 86400), "day");
}

/** Bytes in words, with binary steps of 1024: 12 B, 3.4 KB, 1.2 MB. @param {number} n */
export function bytes(n) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let step = 0;
  let value = n;
  while (value >= 1024 && step < units.length - 1) {
    value /= 1024;
    step += 1;
  }
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[step]}`;
}
