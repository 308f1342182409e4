// What a person sets: variant, seed, size, network, time, faults.

import { button, choice, el, labelled, number } from "./dom.mjs";
import { Faults } from "./faults.mjs";
import { say } from "./words.mjs";

const MS = 1000;

export class Settings {
  /** `draw()` fetches the schedule that the seed draws. */
  constructor(lab, draw) {
    this.lab = lab;
    this.variant = choice(lab.variants.map(({ name, title }) => [name, `${name}: ${title}`]));
    if (lab.variants.length) this.variant.lang = "en"; // what they are called
    this.seed = number(lab.first.seed, { min: 0, max: 2 ** 53 });
    this.members = choice(lab.sizes.map((size) => [size, String(size)]), lab.members.length);
    this.loss = number(0, { max: 100 });
    this.duplicate = number(0, { max: 100 });
    this.least = number(lab.first.latency[0] / MS, { step: "any" });
    this.greatest = number(lab.first.latency[1] / MS, { step: "any" });
    this.until = number(lab.first.until / MS, { max: 30_000, step: "any" });
    this.operations = number(lab.first.operations, { max: 500 });
    this.faults = new Faults(() => this.everyone(), lab.bears, () => {});
    this.faults.set(lab.first.faults);
    this.variant.addEventListener("change", () => this.faults.refresh());
    this.members.addEventListener("change", () => this.faults.refresh());
    const next = button("+1", () => this.nextSeed(), {
      "aria-label": say("nextSeed"),
      title: say("nextSeed"),
    });
    const fields = [
      labelled(say("seed"), this.seed, say("seedHint")),
      next,
      lab.sizes.length > 1 ? labelled(say("nodes"), this.members) : null,
      labelled(say("loss"), this.loss),
      labelled(say("duplicate"), this.duplicate),
      labelled(say("least"), this.least),
      labelled(say("greatest"), this.greatest),
      labelled(say("operations"), this.operations),
      labelled(say("until"), this.until),
    ];
    this.node = el(
      "div",
      { class: "pg-settings" },
      el("div", { class: "pg-row" }, ...fields),
      lab.variants.length > 1 ? el("div", { class: "pg-row" }, labelled(say("variant"), this.variant)) : null,
      el(
        "details",
        { class: "pg-trouble", open: innerWidth > 700 },
        el("summary", {}, say("faults")),
        this.faults.node,
        el(
          "div",
          { class: "pg-row" },
          button(say("own"), () => this.faults.set(this.lab.first.faults)),
          button(say("draw"), draw),
          button(say("none"), () => this.faults.set([])),
        ),
      ),
    );
  }

  nextSeed() {
    this.seed.value = Number(this.seed.value) + 1;
  }

  /** Members and clients, as the settings have them. */
  everyone() {
    const { members, variants, sizes } = this.lab;
    const count = sizes.length ? Number(this.members.value) : members.length;
    const names = sizes.length ? Array.from({ length: count }, (_, i) => `n${i + 1}`) : members;
    const chosen = variants.find(({ name }) => name === this.variant.value) || variants[0];
    return [...names, ...chosen.clients];
  }

  /** What Python is asked for; what is empty keeps its usual value. */
  get value() {
    const whole = (input, scale = 1) => Math.round(Number(input.value) * scale);
    return {
      variant: this.variant.value,
      seed: whole(this.seed),
      members: this.lab.sizes.length ? whole(this.members) : 0,
      latency: [whole(this.least, MS), whole(this.greatest, MS)],
      loss: Number(this.loss.value) / 100,
      duplicate: Number(this.duplicate.value) / 100,
      operations: whole(this.operations),
      until: whole(this.until, MS),
      faults: this.faults.list,
    };
  }

  set value(run) {
    this.variant.value = run.variant;
    this.seed.value = run.seed;
    if (run.members) this.members.value = run.members;
    [this.least.value, this.greatest.value] = run.latency.map((us) => us / MS);
    this.loss.value = run.loss * 100;
    this.duplicate.value = run.duplicate * 100;
    this.operations.value = run.operations;
    this.until.value = run.until / MS;
    this.faults.set(run.faults);
  }
}
