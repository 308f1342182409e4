// Each figure of a run gets the viewer, once it comes into view.

import { followTheme } from "./theme.mjs";

async function show(figure) {
  const place = figure.querySelector(".run-place");
  const { trace, event, title } = figure.dataset;
  const file = new URL(`../runs/${trace}.jsonl`, import.meta.url);
  const [{ mount }, answer] = await Promise.all([import("./viewer.js"), fetch(file)]);
  if (!answer.ok) {
    place.textContent = document.documentElement.lang.startsWith("zh")
      ? `无法显示这次运行：找不到 ${trace}（${answer.status}）。`
      : `This run cannot be shown: ${trace} is not there (${answer.status}).`;
    return;
  }
  const viewer = mount(place, await answer.text(), { title, event: Number(event) || null });
  const node = place.querySelector(".stv");
  if (node) followTheme((theme) => (node.dataset.theme = theme));
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if ("plays" in figure.dataset && !isCalm) viewer?.play();
}

const near = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      show(target);
    }
  },
  { rootMargin: "300px" },
);

for (const figure of document.querySelectorAll("figure.run")) near.observe(figure);
