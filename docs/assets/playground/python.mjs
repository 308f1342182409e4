// Python, as the page sees it: ask, and stop. Stopping ends the worker; the next question starts
// another one.

import { say } from "./words.mjs";

export class Stopped extends Error {}

export class Python {
  /** `base`: where the playground's files are. `onStage(stage)` hears how far it has started. */
  constructor(base, lab, onStage) {
    this.base = base;
    this.lab = lab;
    this.onStage = onStage;
    this.worker = null;
    this.waiting = new Map();
    this.last = 0;
  }

  get busy() {
    return this.waiting.size > 0;
  }

  /** Start Python, so that the first question need not wait for it. */
  warm() {
    if (!this.worker) this.ask(null).catch(() => {}); // whoever asks next is told
  }

  /** Ask a question; `needs` are archives that must be there, `told` hears of what is on its way. */
  ask(question, needs = [], told = () => {}) {
    this.worker ||= this.start();
    const id = ++this.last;
    const text = question === null ? null : JSON.stringify({ lab: this.lab, ...question });
    const answered = new Promise((answer, fail) => this.waiting.set(id, { answer, fail, told }));
    this.worker.postMessage({ id, lab: this.lab, question: text, needs });
    return answered;
  }

  stop() {
    this.worker?.terminate();
    this.worker = null;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const { fail } of waiting) fail(new Stopped("stopped"));
  }

  start() {
    const worker = new Worker(new URL("worker.mjs", this.base), { type: "module" });
    worker.postMessage({ base: this.base.href });
    worker.onmessage = ({ data }) => this.hear(data);
    worker.onerror = (event) => {
      const why = event.message || say("noFiles");
      const waiting = [...this.waiting.values()];
      this.waiting.clear();
      this.worker = null;
      for (const { fail } of waiting) fail(new Error(`${say("noPython")}${say("colon")}${why}`));
    };
    return worker;
  }

  hear({ stage, id, told, answer, took, failure }) {
    if (stage) return this.onStage(stage);
    const asked = this.waiting.get(id);
    if (!asked) return;
    if (told) return asked.told(JSON.parse(told));
    this.waiting.delete(id);
    if (failure) asked.fail(new Error(failure));
    else asked.answer({ text: answer, took });
  }
}
