// Study plans: ticks are kept in this browser, and the calendar begins when the reader does.

const DAY = 86_400_000;

const head = document.querySelector(".plan-head");
if (head) {
  const key = `plan:${head.dataset.plan}`;
  const boxes = [...document.querySelectorAll("[data-tick]")];
  const kept = new Set(JSON.parse(localStorage.getItem(key) ?? "[]"));

  const tell = () => {
    const share = kept.size / boxes.length;
    head.querySelector("progress").value = share;
    head.querySelector("output").textContent = `${Math.round(100 * share)} %`;
  };
  const keep = () => {
    localStorage.setItem(key, JSON.stringify([...kept]));
    tell();
  };
  for (const box of boxes) {
    box.checked = kept.has(box.dataset.tick);
    box.addEventListener("change", () => {
      kept[box.checked ? "add" : "delete"](box.dataset.tick);
      keep();
    });
  }
  for (const tick of kept) if (!boxes.some((box) => box.dataset.tick === tick)) kept.delete(tick);
  tell();

  head.querySelector("[data-do=print]").addEventListener("click", () => print());
  head.querySelector("[data-do=forget]").addEventListener("click", () => {
    kept.clear();
    for (const box of boxes) box.checked = false;
    keep();
  });

  const first = new Date(head.dataset.first);
  const start = head.querySelector("[type=date]");
  start.min = head.dataset.first; // a Monday, so that every step of seven days is one
  start.value = nextMonday().toISOString().slice(0, 10);
  const link = head.querySelector("[download]");
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    const answer = await fetch(link.href);
    if (!answer.ok) return;
    const days = Math.round((new Date(start.value) - first) / DAY);
    const text = moved(await answer.text(), Number.isNaN(days) ? 0 : days);
    const file = document.createElement("a");
    file.href = URL.createObjectURL(new Blob([text], { type: "text/calendar" }));
    file.download = link.download;
    file.click();
    setTimeout(() => URL.revokeObjectURL(file.href), 10_000);
  });
}

function nextMonday() {
  const today = new Date();
  const ahead = (8 - today.getUTCDay()) % 7 || 7;
  return new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate() + ahead));
}

/** A calendar with each whole-day date later by so many days. */
function moved(text, days) {
  return text.replace(/(DT(?:START|END);VALUE=DATE:)(\d{4})(\d\d)(\d\d)/g, (_, name, y, m, d) => {
    const later = new Date(Date.UTC(y, m - 1, Number(d) + days));
    return name + later.toISOString().slice(0, 10).replaceAll("-", "");
  });
}
