// A plain editor for Python: a text area, with line numbers beside it and marks at lines.

import { el } from "./dom.mjs";
import { say } from "./words.mjs";

const INDENT = "    ";

export class Editor {
  constructor(changed) {
    this.changed = changed;
    const hint = el("p", { class: "pg-quiet", id: `pg-hint-${++Editor.made}` }, say("editorHint"));
    this.numbers = el("pre", { class: "pg-numbers", "aria-hidden": "true" });
    this.area = el("textarea", {
      class: "pg-area",
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
      wrap: "off",
      "aria-describedby": hint.id,
      input: () => this.typed(),
      scroll: () => this.follow(),
      keydown: (event) => this.key(event),
      blur: () => (this.leaving = false),
    });
    this.node = el(
      "div",
      { class: "pg-editor" },
      el("div", { class: "pg-paper" }, this.numbers, this.area),
      hint,
    );
    this.marks = new Set();
  }

  get text() {
    return this.area.value;
  }

  /** Show a file. */
  show(name, text) {
    this.area.setAttribute("aria-label", `${say("editor")} ${name}`);
    this.area.value = text;
    this.area.setSelectionRange(0, 0);
    this.area.scrollTop = 0;
    this.mark([]);
  }

  /** Mark lines, counted from 1. */
  mark(lines) {
    this.marks = new Set(lines);
    this.number();
  }

  /** Bring a line into view, and put the cursor there. */
  goTo(line) {
    const lines = this.text.split("\n");
    const before = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    this.area.focus();
    this.area.setSelectionRange(before, before + (lines[line - 1] || "").length);
    const height = parseFloat(getComputedStyle(this.area).lineHeight);
    this.area.scrollTop = Math.max(0, (line - 6) * height);
  }

  typed() {
    if (this.marks.size) this.marks.clear();
    this.number();
    this.changed(this.text);
  }

  number() {
    const count = this.text.split("\n").length;
    if (count === this.shown && !this.marks.size && !this.marked) return;
    this.shown = count;
    this.marked = this.marks.size > 0;
    const rows = Array.from({ length: count }, (_, index) => {
      const wrong = this.marks.has(index + 1);
      return el("span", wrong ? { class: "pg-wrong" } : {}, `${wrong ? "▸" : ""}${index + 1}\n`);
    });
    this.numbers.replaceChildren(...rows);
    this.follow();
  }

  follow() {
    this.numbers.style.transform = `translateY(${-this.area.scrollTop}px)`;
  }

  key(event) {
    if (event.key === "Escape") {
      this.leaving = true;
      return;
    }
    if (event.key === "Tab" && !this.leaving && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      if (event.shiftKey) this.outdent();
      else this.insert(INDENT.slice(this.column() % INDENT.length));
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      const line = this.lineBefore();
      const indent = /^ */.exec(line)[0];
      this.insert(`\n${indent}${line.trimEnd().endsWith(":") ? INDENT : ""}`);
    }
    this.leaving = false;
  }

  lineBefore() {
    const before = this.text.slice(0, this.area.selectionStart);
    return before.slice(before.lastIndexOf("\n") + 1);
  }

  column() {
    return this.lineBefore().length;
  }

  insert(text) {
    // so that the browser can undo it; setRangeText cannot be undone
    if (!document.execCommand("insertText", false, text)) {
      this.area.setRangeText(text, this.area.selectionStart, this.area.selectionEnd, "end");
      this.typed();
    }
  }

  outdent() {
    const at = this.area.selectionStart;
    const begin = at - this.column();
    const spaces = /^ {0,4}/.exec(this.text.slice(begin))[0].length;
    if (!spaces) return;
    this.area.setRangeText("", begin, begin + spaces, "preserve");
    this.typed();
  }
}

Editor.made = 0;
