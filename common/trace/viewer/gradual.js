// Places labels from the top down, only as far as somebody looks: a long run has thousands of them.
// The result is that of placing all of them at once.

const SLICE = 600; // px that are placed at a time while the page is idle
const REACH = 160; // px: no label stands farther than this above or below the thing that it is for

/**
 * The passes over a layout, of which each takes what those before it have left free. A pass is
 * { items, spanOf, put }: `put(item)` places the labels of an item, `spanOf(item)` says from which
 * height to which it goes. Items are put in their order, whatever their height.
 */
export class Gradual {
  constructor(passes) {
    this.passes = passes.map((pass) => ({ ...pass, done: 0, bottom: 0, topFrom: topsFrom(pass) }));
    this.placedTo = -REACH;
    this.stopped = false;
  }

  /** Go on down to `height` whenever the page is idle, so that whoever jumps need not wait. */
  goOn(height) {
    whenIdle((deadline) => {
      while (!this.stopped && this.placedTo < height && deadline.timeRemaining() > 2)
        this.to(this.placedTo + SLICE);
      if (!this.stopped && this.placedTo < height) this.goOn(height);
    });
  }

  /** Place no more of them: there is another layout, or none. */
  stop() {
    this.stopped = true;
  }

  /** Place all labels that are above `y`. */
  to(y) {
    if (y <= this.placedTo) return;
    this.placedTo = y;
    let target = y + REACH;
    const ends = this.passes.map(() => 0);
    for (let p = this.passes.length - 1; p >= 0; p--) {
      // A pass must be as far as any label reaches that a later pass is about to place.
      const pass = this.passes[p];
      let end = pass.done;
      for (; end < pass.items.length && pass.topFrom[end] <= target; end++)
        pass.bottom = Math.max(pass.bottom, pass.spanOf(pass.items[end])[1]);
      ends[p] = end;
      target = Math.max(target, pass.bottom + REACH);
    }
    this.passes.forEach((pass, p) => {
      for (; pass.done < ends[p]; pass.done++) pass.put(pass.items[pass.done]);
    });
  }
}

function whenIdle(work) {
  if (window.requestIdleCallback) return requestIdleCallback(work);
  setTimeout(() => { // Safari
    const end = performance.now() + 8;
    work({ timeRemaining: () => end - performance.now() });
  }, 20);
}

/** For each item of a pass, where the highest of it and those behind it begins. */
function topsFrom({ items, spanOf }) {
  const tops = new Float64Array(items.length);
  let top = Infinity;
  for (let i = items.length - 1; i >= 0; i--)
    tops[i] = top = Math.min(top, spanOf(items[i])[0]);
  return tops;
}
