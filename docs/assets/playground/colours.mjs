// Python in colours: enough to read by, not a parser.

const KEYWORDS = new Set(
  (
    "False None True and as assert async await break case class continue def del elif else except " +
    "finally for from global if import in is lambda match nonlocal not or pass raise return try " +
    "while with yield self"
  ).split(" "),
);

const TOKEN = new RegExp(
  [
    /(?<comment>#[^\n]*)/,
    /(?<text>[rbfuRBFU]{0,2}(?:"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))/,
    /(?<decorator>@[\w.]+)/,
    /(?<number>\b\d[\w.]*)/,
    /(?<word>[^\W\d]\w*)/,
  ]
    .map((part) => part.source)
    .join("|"),
  "gu",
);

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** The text as HTML, with its comments, texts, words and names in spans. */
export function coloured(text) {
  let html = "";
  let at = 0;
  let defines = false;
  for (const { 0: found, index, groups } of text.matchAll(TOKEN)) {
    let kind = Object.keys(groups).find((name) => groups[name] !== undefined);
    if (kind === "word") {
      kind = KEYWORDS.has(found) ? "keyword" : defines ? "name" : "";
      defines = found === "def" || found === "class";
    }
    html += escaped(text.slice(at, index));
    html += kind ? `<span class="pg-${kind}">${escaped(found)}</span>` : escaped(found);
    at = index + found.length;
  }
  return html + escaped(text.slice(at));
}
