// Whether the page is light or dark now, by the theme's own switch.

const isDark = () => document.body.getAttribute("data-md-color-scheme") === "slate";

/** Call `use(theme)` with "light" or "dark", now and after each change. */
export function followTheme(use) {
  const tell = () => use(isDark() ? "dark" : "light");
  tell();
  const about = { attributes: true, attributeFilter: ["data-md-color-scheme"] };
  new MutationObserver(tell).observe(document.body, about);
}
