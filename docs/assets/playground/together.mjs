// One text in several pages of this browser: each page is a replica of the lab, in Python.
//
// Here is what is around it: the clock, the channel between the pages, and the field in which people
// type. They go on typing while Python works. Each turn says what they have made of the text that
// the page shows; see stage7_advanced/crdt/front/tab.py.

import { button, el } from "./dom.mjs";
import { Python } from "./python.mjs";
import { say } from "./words.mjs";

const GONE_AFTER = 3000; // ms: a page that is open is heard of more often
const MOST = 20_000; // characters, as in tab.py

// Python counts characters, the field counts units of UTF-16: an emoji is two of them.
const characters = (text, units) => [...text.slice(0, units)].length;
const units = (text, count) => [...text].slice(0, count).join("").length;

const hexadecimal = (bytes) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export class Together {
  constructor(place, base) {
    this.place = place;
    this.lab = place.dataset.lab;
    this.base = base;
    this.name = `page-${hexadecimal(crypto.getRandomValues(new Uint8Array(4)))}`;
    this.isCut = false;
    this.isComposing = false; // an input method is at work: its text is not to be touched
    this.heard = [];
    this.seen = new Map(); // by page, when it was heard
    this.view = ""; // the text that Python knows this page to show
    this.shows = true; // whether it shows what the last answer said
  }

  begin() {
    this.status = el("p", { class: "pg-status", role: "status" });
    this.openIt = button(say("open"), () => this.open(), { class: "pg-main" });
    const another = button(say("another"), () => window.open(location.href.split("#")[0]));
    this.cut = button(say("cutOff"), () => this.cutOff(), { "aria-pressed": "false", disabled: true });
    const bar = el("div", { class: "pg-bar" }, this.openIt, another, this.cut);
    this.area = el("textarea", {
      class: "pg-together",
      rows: 8,
      maxlength: MOST,
      disabled: true,
      "aria-label": say("together"),
      input: () => this.turn(),
      compositionstart: () => (this.isComposing = true),
      compositionend: () => {
        this.isComposing = false;
        this.turn();
      },
    });
    this.place.classList.add("pg");
    this.facts = el("p", { class: "pg-quiet" });
    this.place.replaceChildren(bar, this.area, this.status, this.facts);
  }

  open() {
    this.openIt.disabled = true;
    this.python = new Python(this.base, this.lab, (stage) => this.isOpen || this.tell(say(stage)));
    this.channel = new BroadcastChannel(`distributed-systems-course:${this.lab}`);
    this.channel.onmessage = ({ data }) => this.hear(data);
    this.turn();
  }

  cutOff() {
    this.isCut = !this.isCut;
    this.cut.setAttribute("aria-pressed", String(this.isCut));
    this.turn();
  }

  hear({ from, to, said }) {
    if (this.isCut || (to && to !== this.name)) return;
    this.seen.set(from, Date.now());
    this.heard.push([from, said]);
    this.turn();
  }

  /** Let Python take a turn; one that is asked for meanwhile comes right behind it. */
  async turn() {
    this.again = true;
    if (this.isTurning) return;
    this.isTurning = true;
    clearTimeout(this.timer);
    try {
      let wake;
      while (this.again) {
        this.again = false;
        wake = await this.once();
      }
      this.timer = setTimeout(() => this.turn(), wake);
      this.isTurning = false;
    } catch (error) {
      this.area.disabled = this.cut.disabled = true; // and no turn begins any more
      this.status.classList.add("pg-problem");
      this.tell(`${say("cannot")}${say("colon")}${error.message}`);
    }
  }

  async once() {
    const wrote = this.isComposing ? this.view : this.area.value;
    const cursor = [this.area.selectionStart, this.area.selectionEnd];
    const tab = {
      name: this.name,
      now: Math.round(performance.now() * 1000),
      heard: this.heard.splice(0),
      shows: this.shows,
      wrote: wrote === this.view ? null : wrote,
      cursor: cursor.map((at) => characters(wrote, at)),
    };
    const answer = JSON.parse((await this.python.ask({ files: {}, tab })).text);
    if (answer.mistake) throw new Error(answer.mistake.sentence);
    this.view = wrote;
    this.shows = answer.full || (!this.isComposing && this.area.value === wrote);
    if (this.shows) this.show(answer);
    for (const [to, said] of answer.say)
      if (!this.isCut) this.channel.postMessage({ from: this.name, to, said });
    this.area.disabled = this.cut.disabled = false;
    this.isOpen = true;
    this.tellWho(answer);
    return answer.wake;
  }

  show({ text, cursor }) {
    this.view = text;
    if (this.area.value === text) return;
    const { scrollTop, selectionDirection } = this.area;
    this.area.value = text;
    this.area.setSelectionRange(...cursor.map((count) => units(text, count)), selectionDirection);
    this.area.scrollTop = scrollTop;
  }

  tellWho({ full, problem, gravestones }) {
    const since = Date.now() - GONE_AFTER;
    const others = [...this.seen.values()].filter((at) => at > since).length;
    const who = this.isCut ? say("isCut") : others ? `${say("others")} ${others}.` : say("alone");
    const notice = full ? say("full") : problem;
    this.tell(`${notice} ${who}`.trim());
    this.facts.textContent = `${this.name}; ${say("gravestones")} ${gravestones}`;
  }

  tell(text) {
    if (this.status.textContent !== text) this.status.textContent = text;
  }
}
