// What outlives the page: the link that shares a run, and what a learner has written.

import { say } from "./words.mjs";

const MOST = 6_000; // characters of a link; longer ones are cut by chats and mail
const VERSION = 1;

async function through(stream, bytes) {
  const piped = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

const toText = (bytes) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

/** A short name of a text: the first half of its SHA-256, as far as is needed to notice a change. */
async function mark(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].slice(0, 4).map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What of `text` is not in `from`: how much both begin and end alike, and what is between. */
function difference(from, text) {
  let begin = 0;
  const shorter = Math.min(from.length, text.length);
  while (begin < shorter && from[begin] === text[begin]) begin++;
  let end = 0;
  while (end < shorter - begin && from[from.length - 1 - end] === text[text.length - 1 - end]) end++;
  return [begin, end, text.slice(begin, text.length - end)];
}

/**
 * The fragment that shares a run. `files` are the changed ones, `originals` what they were.
 * Throws a RangeError with a sentence where it would be too long.
 */
export async function packed(lab, run, mode, files, originals) {
  const changes = {};
  for (const [path, text] of Object.entries(files)) {
    changes[path] = [await mark(originals[path]), ...difference(originals[path], text)];
  }
  const plain = new TextEncoder().encode(JSON.stringify({ v: VERSION, lab, run, mode, changes }));
  const made = toText(await through(new CompressionStream("deflate-raw"), plain));
  if (made.length > MOST) {
    throw new RangeError(
      say("tooLong", { length: made.length, most: MOST }),
    );
  }
  return `run=${made}`;
}

/** What a fragment says; null where it is none of ours. Throws an Error with a sentence. */
export async function unpacked(fragment, lab, originalsOf) {
  const found = /^#?run=([\w-]+)$/.exec(fragment);
  if (!found) return null;
  let plain;
  try {
    const bytes = await through(new DecompressionStream("deflate-raw"), toBytes(found[1]));
    plain = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new Error(say("damaged"));
  }
  if (plain.v !== VERSION || plain.lab !== lab) {
    throw new Error(say("otherLab"));
  }
  const originals = originalsOf(plain.mode);
  const files = {};
  for (const [path, [was, begin, end, middle]] of Object.entries(plain.changes)) {
    const from = originals[path];
    if (from === undefined || (await mark(from)) !== was) {
      throw new Error(say("courseChanged", { path }));
    }
    files[path] = from.slice(0, begin) + middle + from.slice(from.length - end);
  }
  return { run: plain.run, mode: plain.mode, files };
}

/** What is kept of a lab in this browser. A browser that keeps nothing is no reason to fail. */
export class Kept {
  constructor(lab) {
    this.key = `playground/${lab}`;
    const empty = { course: {}, exercise: {}, tests: {}, hints: {} };
    this.state = empty;
    try {
      this.state = { ...empty, ...JSON.parse(localStorage.getItem(this.key) || "{}") };
    } catch {
      // damaged, or not allowed: begin anew
    }
  }

  save() {
    try {
      localStorage.setItem(this.key, JSON.stringify(this.state));
    } catch {
      // full, or not allowed: it lasts as long as the page
    }
  }
}
