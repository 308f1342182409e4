// A lab's first part, solved in the page: what to write, its tests, what is wrong, how far one is.

import { button, el } from "./dom.mjs";
import { english } from "./telling.mjs";
import { say } from "./words.mjs";

const HINTS = 3;

export class Exercise {
  /** `act` has goTo(file, symbol, line), test(), why(result), show(trace), anew() and save(). */
  constructor(lab, kept, act) {
    this.lab = lab;
    this.part = lab.part;
    this.kept = kept;
    this.act = act;
    this.results = new Map(Object.entries(kept.state.tests));
    this.stories = new Map();
    this.score = el("p", { class: "pg-score", role: "status" });
    this.list = el("ol", { class: "pg-results" });
    const hours = this.part.hours === 1 ? "1 h" : `${this.part.hours} h`;
    this.node = el(
      "section",
      { class: "pg-exercise", "aria-label": say("ofExercise") },
      el("p", {}, el("b", {}, `${this.part.id}: ${this.part.title}`), ` (${hours})`),
      el("p", {}, say("write")),
      el("ul", { class: "pg-symbols" }, ...this.part.exercises.map((each) => this.symbol(each))),
    );
    this.outcome = el(
      "section",
      { class: "pg-outcome" },
      el(
        "div",
        { class: "pg-row" },
        (this.test = button(say("test"), () => act.test(), { class: "pg-main" })),
        button(say("exportIt"), () => act.save()),
        button(say("anew"), () => act.anew()),
      ),
      this.score,
      this.list,
    );
    this.show();
  }

  symbol({ name, symbol, file, hints }) {
    const shown = el("ol", { class: "pg-hints" });
    const more = button(say("hint"), () => {
      const count = Math.min(HINTS, (this.kept.state.hints[name] || 0) + 1);
      this.kept.state.hints[name] = count;
      this.kept.save();
      tell();
    });
    const tell = () => {
      const count = this.kept.state.hints[name] || 0;
      shown.replaceChildren(...hints.slice(0, count).map((hint) => english(hint, "li")));
      more.textContent = `${say("hint")} ${Math.min(HINTS, count + 1)}/${HINTS}`;
      more.setAttribute("aria-label", `${more.textContent}: ${name}`);
      more.disabled = count >= HINTS;
    };
    tell();
    const go = button(name, () => this.act.goTo(file, symbol), { class: "pg-symbol" });
    return el("li", {}, go, " ", more, shown);
  }

  /** Keep what is known of the learner elsewhere from now on. */
  keep(kept) {
    this.kept = kept;
    this.results = new Map(Object.entries(kept.state.tests));
    this.show();
  }

  /** A test has ended. */
  take(result) {
    this.results.set(nameOf(result), result);
    this.show();
  }

  /** All of them have. */
  finish(results) {
    this.results = new Map(results.map((result) => [nameOf(result), result]));
    this.kept.state.tests = Object.fromEntries(this.results);
    this.kept.save();
    this.show();
  }

  forget() {
    this.results.clear();
    this.kept.state.tests = {};
    this.kept.save();
    this.show();
  }

  show() {
    const earned = [...this.results.values()]
      .filter(({ verdict }) => verdict === "pass")
      .reduce((sum, { points }) => sum + points, 0);
    this.score.textContent = this.results.size
      ? `${earned} / ${this.part.points} ${say("earned")}`
      : "";
    this.list.replaceChildren(...this.part.tests.map((test) => this.line(test)));
  }

  line({ name, title, points }) {
    const result = this.results.get(name);
    const verdict = result ? (result.verdict === "pass" ? "pass" : "fail") : "none";
    const mark = { pass: "✓", fail: "✗", none: "○" }[verdict];
    const said = { pass: say("passed"), fail: say("failed"), none: "" }[verdict];
    const parts = [
      el("span", { class: "pg-mark", "aria-hidden": "true" }, mark),
      el("span", { class: "pg-unseen" }, `${said} `),
      english(title, "b"),
      say("colon"),
      english(name.replaceAll("_", " ")),
      " ",
      el("span", { class: "pg-quiet" }, `${points} ${say("earned")}`),
    ];
    if (verdict === "fail") {
      parts.push(el("p", { class: "pg-why" }, english(withoutPlace(result)), " ", this.place(result)));
      parts.push(el("p", { class: "pg-quiet" }, say("checks"), say("colon"), english(result.requirement)));
      parts.push(...this.reasons(result));
    }
    return el("li", { class: `pg-${verdict}` }, ...parts);
  }

  /** The story of a failure, once it was asked for, or the button that asks for it. */
  reasons(result) {
    const found = this.stories.get(nameOf(result));
    const label = `${say("why")} ${result.title}`;
    if (!found)
      return [button(say("why"), () => this.act.why(result), { "aria-label": label })];
    const { facts, trace } = found;
    const shown = [];
    if (facts.story.length) shown.push(english(facts.story.join("\n"), "pre", { class: "pg-story" }));
    if (facts.faults_at_first)
      shown.push(el("p", {}, `${facts.faults} ${say("ofFaults")} ${facts.faults_at_first}`));
    if (trace) shown.push(button(say("showRun"), () => this.act.show(trace, facts.event, result.title)));
    return shown;
  }

  /** It is known why a test failed. */
  explain(result, facts, trace) {
    this.stories.set(nameOf(result), { facts, trace });
    this.show();
  }

  place({ file, line }) {
    if (!file) return "";
    const text = `${file.split("/").pop()}:${line}`;
    return button(text, () => this.act.goTo(file, null, line), { class: "pg-place" });
  }
}

/** The sentence; its place is a button behind it. */
function withoutPlace({ why, file, line }) {
  return file ? why.replace(`${file}:${line}, `, "").replace(` (${file}:${line})`, "") : why;
}

const nameOf = (result) => result.test.split("::").pop().replace(/^test_/, "");
