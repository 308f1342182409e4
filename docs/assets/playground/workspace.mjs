// A workspace as `lab` knows it, in a zip file: the lab's files, and what is known of the learner.

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Little-endian numbers: pairs of value and width in bytes. */
function numbers(...pairs) {
  const view = new DataView(new ArrayBuffer(pairs.reduce((sum, [, width]) => sum + width, 0)));
  let at = 0;
  for (const [value, width] of pairs) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  return new Uint8Array(view.buffer);
}

const DATE = [0x21, 2]; // 1 January 1980
const UTF8 = [0x800, 2];

/** A zip file (APPNOTE.TXT 6.3, 4.3) that stores texts as they are. */
export function zip(files) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const [name, text] of Object.entries(files)) {
    const title = new TextEncoder().encode(name);
    const bytes = new TextEncoder().encode(text);
    const about = [
      [20, 2], UTF8, [0, 2], [0, 2], DATE, [crc32(bytes), 4], [bytes.length, 4],
      [bytes.length, 4], [title.length, 2], [0, 2],
    ];
    const head = numbers([0x04034b50, 4], ...about);
    const rest = [[0, 2], [0, 2], [0, 2], [0, 4], [at, 4]];
    directory.push(numbers([0x02014b50, 4], [20, 2], ...about, ...rest), title);
    parts.push(head, title, bytes);
    at += head.length + title.length + bytes.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const count = Object.keys(files).length;
  const end = numbers(
    [0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [at, 4], [0, 2],
  );
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/**
 * The files of a workspace. `lab` is what the page knows of the lab, `written` what the learner
 * wrote by path, `tests` how each test ended, `hints` how many were shown of each exercise.
 */
export function workspace(lab, written, tests, hints) {
  const { part } = lab;
  const progress = {
    version: 1,
    current: lab.id,
    labs: {
      [lab.id]: {
        part: part.id,
        handed: part.fingerprints,
        supplied: part.supplied,
        hints,
        given_up: [],
        tests: Object.fromEntries(tests.map((test) => [nameOf(test), asKnown(test)])),
      },
    },
  };
  const files = { "work/.lab/progress.json": `${JSON.stringify(progress, null, 1)}\n` };
  for (const { path, text } of lab.files) {
    files[`work/${path}`] = written[path] ?? part.handout[path] ?? text;
  }
  return files;
}

const nameOf = (test) => test.test.split("::").pop().replace(/^test_/, "");

function asKnown({ test, title, requirement, points, verdict, seconds, why, replay }) {
  return { test, title, requirement, points, verdict, seconds, why, replay };
}

/** Hand a file to the person. */
export function download(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
