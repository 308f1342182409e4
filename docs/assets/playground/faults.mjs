// The fault schedule, clicked together: what goes wrong, with whom, when.
//
// A fault is what common/values/faults.py reads: { at: 600000, fault: "crash", node: "n1" }.

import { button, choice, el, labelled, number, showTime } from "./dom.mjs";
import { say } from "./words.mjs";

const KINDS = [
  "crash", "restart", "cut", "partition", "heal", "pause", "resume", "block", "lossy",
];
/** Which promise a kind needs (`bears` of a lab). */
const NEEDS = { restart: "crash", cut: "partition", heal: "partition", resume: "pause", lossy: "link" };
const LOSSY = 0.3;

/** One fault in words. */
export function inWords(fault) {
  const { fault: kind, node } = fault;
  if (kind === "partition") {
    const sides = fault.groups.map((group) => group.join(", "));
    return `${say("partition")} ${sides.join(" | ")}`;
  }
  if (kind === "block") return `${say("block")} ${fault.source} → ${fault.target}`;
  if (kind === "link") {
    const names = ["latency", "loss", "duplicate", "reorder", "bandwidth"];
    const parts = names
      .filter((name) => fault[name] !== undefined && fault[name] !== null)
      .map((name) => {
        if (name === "latency") return `${fault[name].map(showTime).join("–")}`;
        return name === "bandwidth" ? `${fault[name]} B/s` : `${name} ${Math.round(100 * fault[name])} %`;
      });
    const ends = [fault.source, fault.target].some((end) => end && end !== "*");
    return `${ends ? `${fault.source || "*"} → ${fault.target || "*"}` : say("lossy")} ${parts.join(", ")}`;
  }
  const known = ["crash", "restart", "pause", "resume", "heal"].includes(kind);
  const more = kind === "clock" ? ` ${showTime(fault.skew || 0)}` : "";
  return [known ? say(kind) : kind, node].filter(Boolean).join(" ") + more;
}

export class Faults {
  /** `everyone()` names the nodes and clients; `bears` are the kinds that the lab promises to bear. */
  constructor(everyone, bears, changed) {
    this.everyone = everyone;
    this.bears = bears;
    this.changed = changed;
    this.list = [];
    this.chips = el("ul", { class: "pg-chips", "aria-label": say("faults") });
    this.kind = choice(KINDS.map((kind) => [kind, this.title(kind)]), "crash");
    this.at = number(500, { min: 0, step: 50 });
    this.targets = el("span", { class: "pg-targets" });
    this.kind.addEventListener("change", () => this.ask());
    this.node = el(
      "div",
      { class: "pg-faults" },
      this.chips,
      el(
        "div",
        { class: "pg-row" },
        labelled(say("what"), this.kind),
        this.targets,
        labelled(say("at"), this.at),
        button(say("add"), () => this.add()),
      ),
    );
    this.show();
  }

  title(kind) {
    const borne = this.bears.includes(NEEDS[kind] || kind) || kind === "block" || kind === "lossy";
    return borne ? say(kind) : `${say(kind)} (${say("notBorne")})`;
  }

  set(list) {
    this.list = [...list].sort((one, other) => one.at - other.at);
    this.show();
  }

  /** The members have changed. */
  refresh() {
    this.ask();
  }

  add() {
    const at = Math.max(0, Math.round(Number(this.at.value) * 1000)) || 0;
    this.set([...this.list, { at, ...this.wanted() }]);
    this.changed();
  }

  /** The fault that the inputs describe. */
  wanted() {
    const kind = this.kind.value;
    const node = this.whom?.value;
    const everyone = this.everyone();
    switch (kind) {
      case "cut":
        return { fault: "partition", groups: [[node], everyone.filter((each) => each !== node)] };
      case "partition": {
        const one = this.sides.filter((box) => box.checked).map((box) => box.value);
        return { fault: "partition", groups: [one, everyone.filter((each) => !one.includes(each))] };
      }
      case "heal":
        return { fault: "heal" };
      case "block":
        return { fault: "block", source: node, target: this.toward.value };
      case "lossy":
        return { fault: "link", loss: LOSSY };
      default:
        return { fault: kind, node };
    }
  }

  ask() {
    const kind = this.kind.value;
    const nodes = this.everyone().map((node) => [node, node]);
    const before = this.whom?.value;
    this.whom = choice(nodes, nodes.some(([node]) => node === before) ? before : nodes[0]?.[0]);
    this.toward = choice(nodes, nodes[1]?.[0]);
    this.sides = nodes.map(([node], index) => {
      const box = el("input", { type: "checkbox", value: node });
      box.checked = index < Math.ceil(nodes.length / 2) - 1 || index === 0;
      return box;
    });
    const shown = [];
    if (kind === "partition") {
      const boxes = this.sides.map((box) => el("label", { class: "pg-side" }, box, box.value));
      const title = el("legend", {}, say("side"));
      shown.push(el("fieldset", { class: "pg-sides" }, title, ...boxes));
    } else if (!["heal", "lossy"].includes(kind)) {
      shown.push(labelled(say("whom"), this.whom));
      if (kind === "block") shown.push(labelled(say("toward"), this.toward));
    }
    this.targets.replaceChildren(...shown);
  }

  show() {
    const chips = this.list.map((fault, index) => {
      const words = `${showTime(fault.at)} ${inWords(fault)}`;
      const remove = button("×", () => this.remove(index), {
        "aria-label": `${say("remove")}: ${words}`,
        title: say("remove"),
      });
      const time = el("b", {}, showTime(fault.at));
      return el("li", { class: `pg-chip pg-${fault.fault}` }, time, ` ${inWords(fault)} `, remove);
    });
    const nothing = el("li", { class: "pg-quiet" }, say("noFaults"));
    this.chips.replaceChildren(...(chips.length ? chips : [nothing]));
    this.ask();
  }

  remove(index) {
    this.set(this.list.filter((_, each) => each !== index));
    const buttons = this.chips.querySelectorAll("button");
    (buttons[Math.min(index, buttons.length - 1)] || this.kind).focus();
    this.changed();
  }
}
