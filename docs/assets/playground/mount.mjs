// On every page of the site: where there is a <div class="playground" data-lab="raft">, make it one,
// and likewise where there is a "together", which is one text in several pages. The rest is fetched only by pages that have one, and only when it comes near the view.

const here = new URL("./", import.meta.url);

function watch(places) {
  const near = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        near.unobserve(entry.target);
        begin(entry.target);
      }
    },
    { rootMargin: "600px" },
  );
  const shared = location.hash.startsWith("#run=");
  for (const place of places) shared ? begin(place) : near.observe(place);
}

async function begin(place) {
  if (place.matches(".together")) {
    const { Together } = await import(new URL("together.mjs", here));
    return new Together(place, here).begin();
  }
  const { Playground } = await import(new URL("playground.mjs", here));
  await new Playground(place, here).begin();
}

const places = document.querySelectorAll(":is(.playground, .together)[data-lab]");
if (places.length) {
  for (const name of ["../viewer.css", "playground.css"]) {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL(name, here);
    document.head.append(link);
  }
  watch(places);
}
