// The same edit scripts by Yjs and Automerge: JSON on stdin, JSON on stdout.
//
//   {"modules": FOLDER, "people": 3, "scripts": [[["type", who, at, sign], ["erase", who, at],
//    ["hear", who, other], ["hear all"], ...], ...]}
//
// Each script begins with an empty text that all people share. Answered is, by library, the text of
// the first person at the end of each script, once everybody has heard everything.
import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const { modules, people, scripts } = JSON.parse(await text(process.stdin));
const require = createRequire(join(modules, "package.json"));

class YjsCopies {
  constructor(Y) {
    this.Y = Y;
    this.docs = Array.from({ length: people }, (_, who) => {
      const doc = new Y.Doc();
      doc.clientID = who + 1;
      return doc;
    });
  }
  text(who) { return this.docs[who].getText("text").toString(); }
  type(who, at, sign) { this.docs[who].getText("text").insert(at, sign); }
  erase(who, at) { this.docs[who].getText("text").delete(at, 1); }
  hear(who, other) {
    const state = this.Y.encodeStateVector(this.docs[who]);
    this.Y.applyUpdate(this.docs[who], this.Y.encodeStateAsUpdate(this.docs[other], state));
  }
}

class AutomergeCopies {
  constructor(A) {
    this.A = A;
    const base = A.from({ text: "" }, { actor: "00" });
    this.docs = Array.from({ length: people }, (_, who) => A.clone(base, { actor: `0${who + 1}` }));
  }
  text(who) { return this.docs[who].text; }
  change(who, ...splice) {
    this.docs[who] = this.A.change(this.docs[who], (doc) => this.A.splice(doc, ["text"], ...splice));
  }
  type(who, at, sign) { this.change(who, at, 0, sign); }
  erase(who, at) { this.change(who, at, 1); }
  hear(who, other) { this.docs[who] = this.A.merge(this.docs[who], this.docs[other]); }
}

function play(copies, script) {
  const hearAll = () => {
    for (let round = 0; round < 2; round++)
      for (let who = 0; who < people; who++)
        for (let other = 0; other < people; other++) if (other !== who) copies.hear(who, other);
  };
  for (const [what, ...how] of script) what === "hear all" ? hearAll() : copies[what](...how);
  hearAll();
  const texts = new Set(Array.from({ length: people }, (_, who) => copies.text(who)));
  if (texts.size !== 1) throw new Error(`the copies differ: ${[...texts].join(" | ")}`);
  return copies.text(0);
}

const Y = require("yjs");
const A = require("@automerge/automerge");
const answers = {
  yjs: scripts.map((script) => play(new YjsCopies(Y), script)),
  automerge: scripts.map((script) => play(new AutomergeCopies(A), script)),
};
process.stdout.write(JSON.stringify(answers) + "\n");
