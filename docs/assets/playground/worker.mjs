// The worker in which Python runs: it answers one question after the other.
//
// A message { files: base } starts it; then each { id, question, needs } is answered by
// { id, answer }, or { id, failure }. While it starts it tells { stage }; while it tests, { id, told }.

const TAKEN = [
  "fetch", "XMLHttpRequest", "WebSocket", "EventSource", "WebTransport", "indexedDB", "caches",
  "BroadcastChannel", "Worker",
];

const fetched = self.fetch.bind(self);
let base = null;
let python = null;
let door = null;
const unpacked = new Set();

async function bytes(name) {
  const answer = await fetched(new URL(name, base));
  if (!answer.ok) throw new Error(`${name} cannot be fetched (HTTP ${answer.status})`);
  return answer.arrayBuffer();
}

async function unpack(name, folder) {
  if (unpacked.has(name)) return;
  python.unpackArchive(await bytes(name), "zip", { extractDir: folder });
  unpacked.add(name);
}

async function start(lab) {
  const tell = (stage) => postMessage({ stage });
  tell("fetching");
  const course = [bytes("course.zip"), bytes(`labs/${lab}.zip`)]; // while Python starts
  course.forEach((each) => each.catch(() => {})); // an error comes up where it is awaited
  const { loadPyodide } = await import(new URL("pyodide/pyodide.mjs", base));
  tell("starting");
  python = await loadPyodide({
    indexURL: new URL("pyodide/", base).href,
    env: { PYTHONHASHSEED: "0", HOME: "/home" },
    stdout: () => {},
    stderr: () => {},
  });
  for (const each of course) {
    python.unpackArchive(await each, "zip", { extractDir: "/course" });
  }
  python.runPython(
    "import sys; sys.dont_write_bytecode = True; sys.path[:0] = ['/course']; sys.path.append('/packages')",
  );
  door = python.pyimport("common.browser.door").Door("/course", "/work");
  // What runs here is somebody's code: it has no way out.
  for (const name of TAKEN) Object.defineProperty(self, name, { value: undefined });
}

let begun = null;

async function answer({ id, lab, question, needs }) {
  try {
    begun ||= start(lab);
    await begun;
    for (const name of needs) await unpack(name, "/packages");
    postMessage({ stage: "running" });
    if (question === null) return postMessage({ id, answer: null });
    const began = performance.now();
    const said = door.answer(question, (told) => postMessage({ id, told }));
    postMessage({ id, answer: said, took: performance.now() - began });
  } catch (error) {
    postMessage({ id, failure: String(error.message || error) });
  }
}

let queue = Promise.resolve();
self.onmessage = ({ data }) => {
  if (data.base) base = data.base;
  else queue = queue.then(() => answer(data));
};
