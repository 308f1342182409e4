// The playground of one lab: settings, the course's viewer, the code, the exercise.

import { button, choice, el, labelled } from "./dom.mjs";
import { Editor } from "./editor.mjs";
import { Exercise } from "./exercise.mjs";
import { Kept, packed, unpacked } from "./keep.mjs";
import { Python, Stopped } from "./python.mjs";
import { Settings } from "./settings.mjs";
import { followTheme } from "../theme.mjs";
import { mount } from "../viewer.js";
import { english, verdictsOf } from "./telling.mjs";
import { say } from "./words.mjs";
import { download, workspace, zip } from "./workspace.mjs";

const MODES = ["course", "exercise"];
let made = 0;

export class Playground {
  constructor(place, base) {
    this.place = place;
    this.base = base;
    this.id = place.dataset.lab;
    this.title = place.dataset.title; // in the page's language, where the page has it
    this.number = ++made;
  }

  /** Fetch what the page shows before Python is there, and show it. */
  async begin() {
    try {
      const [lab, trace] = await Promise.all([
        this.fetch(`labs/${this.id}.json`).then((answer) => answer.json()),
        this.fetch(`labs/${this.id}.jsonl`).then((answer) => answer.text()),
      ]);
      this.lab = lab;
      this.build();
      this.show(trace);
      this.tell(say("first"));
      await this.takeLink();
    } catch (error) {
      const sentence = `${say("cannot")}${say("colon")}${error.message}`;
      this.place.replaceChildren(el("p", { role: "alert", class: "pg-problem" }, sentence));
    }
  }

  async fetch(name) {
    const answer = await fetch(new URL(name, this.base));
    if (!answer.ok) throw new Error(`${name}: HTTP ${answer.status}`);
    return answer;
  }

  // Building.

  build() {
    const { lab } = this;
    this.python = new Python(this.base, lab.id, (stage) => this.busy && this.tell(say(stage)));
    this.kept = new Kept(lab.id);
    this.originals = Object.fromEntries(lab.files.map(({ path, text }) => [path, text]));
    this.mode = MODES.includes(this.kept.state.mode) ? this.kept.state.mode : "course";
    this.settings = new Settings(lab, () => this.draw());
    this.status = el("p", { class: "pg-status", role: "status" });
    this.runButton = button(say("run"), () => this.run(), { class: "pg-main" });
    this.stopButton = button(say("stop"), () => this.stop(), { disabled: true });
    const share = button(say("share"), () => this.share());
    const large = button(say("large"), () => {
      const pressed = this.place.classList.toggle("pg-large");
      large.setAttribute("aria-pressed", String(pressed));
    });
    large.setAttribute("aria-pressed", "false");
    const bar = el("div", { class: "pg-bar" }, this.runButton, this.stopButton, share, large);
    this.picture = el("div", { class: "pg-picture" });
    const run = el("div", {}, this.settings.node, this.picture);
    const tabs = this.tabs([
      ["picture", run],
      ["code", this.codePanel()],
    ]);
    this.place.classList.add("pg");
    this.place.replaceChildren(bar, this.status, ...tabs);
    for (const kind of ["pointerenter", "focusin"])
      this.place.addEventListener(kind, () => this.python.warm(), { once: true });
    this.place.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.run();
      }
    });
    if ("mdColorScheme" in document.body.dataset)
      followTheme((theme) => {
        this.theme = theme;
        this.dress();
      });
  }

  tabs(panels) {
    const list = el("div", { role: "tablist", class: "pg-tabs", "aria-label": this.title || this.lab.title });
    this.panels = new Map();
    for (const [name, content] of panels) {
      const id = `pg-${this.number}-${name}`;
      const tab = button(say(name), () => this.open(name), {
        role: "tab",
        id: `${id}-tab`,
        "aria-controls": id,
      });
      const panel = el("div", { role: "tabpanel", id, "aria-labelledby": tab.id }, content);
      this.panels.set(name, { tab, panel });
      list.append(tab);
    }
    list.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = [...this.panels.keys()].find((name) => name !== this.opened);
      this.open(other);
      this.panels.get(other).tab.focus();
    });
    this.open("picture");
    return [list, ...[...this.panels.values()].map(({ panel }) => panel)];
  }

  open(wanted) {
    this.opened = wanted;
    for (const [name, { tab, panel }] of this.panels) {
      const chosen = name === wanted;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      panel.hidden = !chosen;
    }
    if (wanted === "code") this.lookThere();
  }

  /** Bring what is to be written into view, once; what is hidden cannot scroll. */
  lookThere() {
    if (this.look) this.editor.see(this.look);
    this.look = 0;
  }

  codePanel() {
    const { lab } = this;
    const title = `${say("ofExercise")} (${lab.part.id})`;
    this.modeChoice = choice([["course", say("ofCourse")], ["exercise", title]], this.mode);
    this.modeChoice.addEventListener("change", () => this.setMode(this.modeChoice.value));
    this.fileChoice = choice(lab.files.map(({ path }) => [path, path.split("/").pop()]));
    this.fileChoice.addEventListener("change", () => this.showFile(this.fileChoice.value));
    this.editor = new Editor((text) => this.edited(text));
    this.reset = button(say("reset"), () => this.undo());
    const part = this.place.dataset.part || lab.part.title;
    this.exercise = new Exercise({ ...lab, part: { ...lab.part, title: part } }, this.kept, {
      goTo: (file, symbol, line) => this.goTo(file, symbol, line),
      test: () => this.test(),
      why: (result) => this.why(result),
      show: (trace, event, title) => {
        this.open("picture");
        this.show(trace, { title, event });
      },
      anew: () => this.undo(),
      save: () => this.export(),
    });
    const row = el(
      "div",
      { class: "pg-row" },
      labelled(say("which"), this.modeChoice),
      labelled(say("file"), this.fileChoice),
      this.reset,
    );
    const panel = el("div", {}, row, this.exercise.node, this.editor.node, this.exercise.outcome);
    this.setMode(this.mode);
    return panel;
  }

  // The code.

  /** What the files are before the learner changes anything. */
  originalsOf(mode) {
    return mode === "exercise" ? { ...this.originals, ...this.lab.part.handout } : this.originals;
  }

  textOf(path) {
    return this.kept.state[this.mode][path] ?? this.originalsOf(this.mode)[path];
  }

  /** The files that are not the course's own, as Python is given them. */
  get files() {
    const handed = this.mode === "exercise" ? this.lab.part.handout : {};
    return { ...handed, ...this.kept.state[this.mode] };
  }

  setMode(mode) {
    this.mode = this.kept.state.mode = mode;
    this.modeChoice.value = mode;
    this.kept.save();
    const solving = mode === "exercise";
    this.exercise.node.hidden = this.exercise.outcome.hidden = !solving;
    const [first] = this.lab.part.exercises;
    this.showFile(solving ? first.file : this.fileChoice.value || this.lab.files[0].path);
    this.look = solving ? lineOf(this.editor.text, first.symbol) : 0;
    if (this.opened === "code") this.lookThere();
  }

  showFile(path) {
    this.fileChoice.value = path;
    this.editor.show(path, this.textOf(path));
    this.label();
  }

  /** Say at each file whether it was changed. */
  label() {
    for (const option of this.fileChoice.options) {
      const changed = option.value in this.kept.state[this.mode];
      const name = option.value.split("/").pop();
      option.textContent = changed ? `${name} (${say("changed")})` : name;
    }
    this.reset.disabled = !Object.keys(this.kept.state[this.mode]).length;
  }

  edited(text) {
    const path = this.fileChoice.value;
    const mine = this.kept.state[this.mode];
    if (text === this.originalsOf(this.mode)[path]) delete mine[path];
    else mine[path] = text;
    this.kept.save();
    this.label();
  }

  undo() {
    this.kept.state[this.mode] = {};
    this.kept.save();
    if (this.mode === "exercise") this.exercise.forget();
    this.showFile(this.fileChoice.value);
  }

  /** Show a place in the code: a line, or where a function begins. */
  goTo(file, symbol, line) {
    this.open("code");
    if (this.fileChoice.value !== file) this.showFile(file);
    this.editor.goTo(line || lineOf(this.editor.text, symbol));
    if (line) this.editor.mark([line]);
  }

  // Asking Python.

  async run() {
    const asked = { files: this.files, run: this.settings.value };
    const answer = await this.ask(asked);
    if (!answer) return;
    const [facts, trace] = split(answer.text);
    if (facts.mistake) this.complain(facts.mistake);
    if (!trace) return;
    this.open("picture");
    const begun = performance.now();
    this.show(trace);
    const took = answer.took + performance.now() - begun;
    this.place.dataset.sha256 = facts.sha256;
    this.place.dataset.took = Math.round(took);
    this.place.dataset.messages = facts.messages;
    if (!facts.mistake) this.tell(verdictsOf(facts.verdicts, took), facts.verdicts);
  }

  async draw() {
    const answer = await this.ask({ files: this.files, draw: this.settings.value });
    if (!answer) return;
    const { faults, mistake } = JSON.parse(answer.text);
    if (mistake) return this.complain(mistake);
    this.settings.faults.set(faults);
    this.tell("");
  }

  /** All files of the lab, as the learner has them. */
  get all() {
    return Object.fromEntries(this.lab.files.map(({ path }) => [path, this.textOf(path)]));
  }

  /** The archives that tests need. */
  get needs() {
    return ["pytest.zip", ...(this.lab.part.hypothesis ? ["hypothesis.zip"] : [])];
  }

  /** Why a test fails: the sentence, a story of ten lines, the run with the faults that it takes. */
  async why(result) {
    const asked = { files: this.all, why: result.test };
    const answer = await this.ask(asked, this.needs, () => {}, say("asking"));
    if (!answer) return;
    const [facts, trace] = split(answer.text);
    if (facts.mistake) return this.complain(facts.mistake);
    this.exercise.explain(result, facts, trace);
    this.complain(facts.why);
  }

  async test() {
    const { part } = this.lab;
    const { needs } = this;
    this.exercise.results.clear();
    this.exercise.stories.clear();
    this.exercise.show();
    const told = (result) => this.exercise.take(result);
    const answer = await this.ask({ files: this.all, test: part.suite }, needs, told, say("testing"));
    if (!answer) return;
    const { tests, problems, mistake } = JSON.parse(answer.text);
    if (mistake || problems.length) this.complain(mistake || problems[0]);
    else this.tell("");
    if (tests) this.exercise.finish(tests);
  }

  /** Ask; null where it was stopped or could not be answered, which the page then says. */
  async ask(question, needs, told, first) {
    if (this.busy) return null;
    this.busy = true;
    this.runButton.disabled = this.exercise.test.disabled = true;
    this.stopButton.disabled = false;
    this.tell(first || say("running"));
    try {
      return await this.python.ask(question, needs, told);
    } catch (error) {
      this.tell(error instanceof Stopped ? say("stopped") : error.message, null, true);
      return null;
    } finally {
      this.busy = false;
      this.runButton.disabled = this.exercise.test.disabled = false;
      this.stopButton.disabled = true;
    }
  }

  stop() {
    this.python.stop();
    this.runButton.focus();
  }

  // Showing.

  show(trace, options = { title: this.title || this.lab.title }) {
    this.viewer?.destroy();
    this.viewer = mount(this.picture, trace, { theme: this.theme, ...options });
  }

  /** Give the viewer the colours of the page, where the page has a say in it. */
  dress() {
    const shown = this.picture.querySelector(".stv");
    if (!this.theme || !shown || shown.dataset.theme === this.theme) return;
    shown.dataset.theme = this.theme;
    this.viewer.resized(true);
  }

  tell(text, verdicts = null, wrong = false) {
    const broken = verdicts?.some(({ answer }) => answer === "no");
    this.status.className = `pg-status${wrong || broken ? " pg-problem" : ""}`;
    this.status.replaceChildren(...[text].flat());
  }

  /** A mistake in the learner's code: the sentence, and the way to its line. */
  complain({ sentence, file, line }) {
    this.tell(english(sentence), null, true);
    if (!file) return;
    const text = `${file.split("/").pop()}:${line}`;
    this.status.append(" ", button(text, () => this.goTo(file, null, line), { class: "pg-place" }));
    if (this.opened !== "code") return;
    if (this.fileChoice.value !== file) this.showFile(file);
    this.editor.see(line);
    this.editor.mark([line]);
  }

  // Sharing and keeping.

  async share() {
    try {
      const mine = this.kept.state[this.mode];
      const originals = this.originalsOf(this.mode);
      const hash = await packed(this.id, this.settings.value, this.mode, mine, originals);
      history.replaceState(null, "", `#${hash}`);
      this.tell(say("sharedHere"));
      await navigator.clipboard?.writeText(location.href);
      this.tell(say("shared"));
    } catch (error) {
      if (error instanceof RangeError) this.tell(error.message, null, true);
    }
  }

  async takeLink() {
    let shared;
    try {
      shared = await unpacked(location.hash, this.id, (mode) => this.originalsOf(mode));
    } catch (error) {
      return this.tell(error.message, null, true);
    }
    if (!shared) return;
    this.place.scrollIntoView();
    this.settings.value = shared.run;
    if (Object.keys(shared.files).length || shared.mode === "exercise") {
      const state = { ...this.kept.state, [shared.mode]: shared.files, tests: {} };
      this.kept = { state, save: () => {} }; // what somebody else wrote is not kept as one's own
      this.exercise.keep(this.kept);
      this.setMode(shared.mode);
      this.showFile(Object.keys(shared.files)[0] || this.fileChoice.value);
      this.open("code");
      return this.tell(say("linked"));
    }
    await this.run();
  }

  export() {
    const { lab, kept } = this;
    const tests = Object.values(kept.state.tests);
    const files = workspace(lab, kept.state.exercise, tests, kept.state.hints);
    download(`${lab.id}-workspace.zip`, zip(files));
    this.tell(say("exported").replace("LAB", lab.id));
  }
}

/** An answer's facts, and the trace behind them, "" where there is none. */
function split(text) {
  const end = text.indexOf("\n");
  return end < 0 ? [JSON.parse(text), ""] : [JSON.parse(text.slice(0, end)), text.slice(end + 1)];
}

/** Where a function or a method begins in a file, counted from 1. */
function lineOf(text, symbol) {
  const lines = text.split("\n");
  let from = 0;
  for (const name of symbol.split(".")) {
    const found = lines.findIndex(
      (line, index) => index >= from && new RegExp(`^\\s*(async def|def|class) ${name}\\b`).test(line),
    );
    if (found < 0) return 1;
    from = found;
  }
  return from + 1;
}
