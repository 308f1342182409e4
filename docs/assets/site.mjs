// What the theme's own pages lack for those who do not see them.

// A cell without words heads nothing: it is no header to a screen reader.
for (const header of document.querySelectorAll(".md-typeset th:empty")) {
  const cell = document.createElement("td");
  cell.setAttribute("style", header.getAttribute("style") ?? "");
  header.replaceWith(cell);
}

// The buttons beside a block of code are no place to navigate to.
const plain = (root) => {
  for (const nav of root.querySelectorAll("nav.md-code__nav")) nav.setAttribute("role", "none");
};
plain(document);

// A table that is wider than its place is moved with the arrow keys: so it can have the focus.
const widths = new ResizeObserver((changes) => {
  for (const { target } of changes)
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
});
const wide = (root) => {
  for (const place of root.querySelectorAll(".md-typeset__scrollwrap")) widths.observe(place);
};
wide(document);

new MutationObserver((changes) => {
  for (const { addedNodes } of changes)
    for (const node of addedNodes)
      if (node.parentElement && node.matches?.("nav, .md-typeset__scrollwrap")) {
        plain(node.parentElement);
        wide(node.parentElement);
      }
}).observe(document.body, { childList: true, subtree: true });
