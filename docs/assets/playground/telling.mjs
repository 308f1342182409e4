// What the course says itself, in English, within a page in whatever language.

import { el } from "./dom.mjs";
import { say } from "./words.mjs";

/** A text of a lab, a suite or a check: they speak English, and readers are told so. */
export function english(text, name = "span", attributes = {}) {
  return el(name, { lang: "en", ...attributes }, text);
}

/** How the checks of a run came out, as parts of a line. */
export function verdictsOf(verdicts, took) {
  const words = { yes: "holds", no: "broken", unknown: "undecided" };
  const parts = verdicts.flatMap(({ property, answer, expected }) => {
    const meant = expected && answer === "no" ? ` (${say("meant")})` : "";
    return [english(property), `${say("colon")}${say(words[answer])}${meant} · `];
  });
  return [...parts, `${Math.round(took)} ms`];
}
