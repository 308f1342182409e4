// An editor for Python: a text area, whose text is shown in colours by what lies behind it, with
// line numbers and marks beside it. To the browser and to screen readers it is a text area.

import { coloured } from "./colours.mjs";
import { el } from "./dom.mjs";
import { say } from "./words.mjs";

const INDENT = "    ";

export class Editor {
  constructor(changed) {
    this.changed = changed;
    const hint = el("p", { class: "pg-quiet", id: `pg-hint-${++Editor.made}` }, say("editorHint"));
    this.numbers = el("pre", { class: "pg-numbers", "aria-hidden": "true" });
    this.shade = el("pre", { class: "pg-shade", "aria-hidden": "true" });
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
      el("div", { class: "pg-paper" }, this.numbers, el("div", { class: "pg-sheet" }, this.shade, this.area)),
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
    this.area.scrollTop = this.area.scrollLeft = 0;
    this.mark([]);
    this.colour();
  }

  /** Mark lines, counted from 1. */
  mark(lines) {
    this.marks = new Set(lines);
    this.number();
  }

  /** Bring a line into view. */
  see(line) {
    const height = parseFloat(getComputedStyle(this.area).lineHeight);
    this.area.scrollTop = Math.max(0, (line - 6) * height);
  }

  colour() {
    this.shade.innerHTML = `${coloured(this.text)}\n`;
    this.follow();
  }

  /** Bring a line into view, and put the cursor there. */
  goTo(line) {
    const lines = this.text.split("\n");
    const before = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    this.area.focus();
    this.area.setSelectionRange(before, before + (lines[line - 1] || "").length);
    this.see(line);
  }

  typed() {
    if (this.marks.size) this.marks.clear();
    this.number();
    this.colour();
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
    const { scrollTop, scrollLeft } = this.area;
    this.numbers.style.transform = `translateY(${-scrollTop}px)`;
    this.shade.style.transform = `translate(${-scrollLeft}px, ${-scrollTop}px)`;
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
