// Small helpers for making elements.

/** Make an element. Attributes that are functions are listeners: { click: () => ... }. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined)
      node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

let fields = 0;

/** A label with its input, one below the other. */
export function labelled(text, input, hint) {
  input.id ||= `pg-field-${++fields}`;
  return el("div", { class: "pg-field", title: hint }, el("label", { for: input.id }, text), input);
}

/** A number that a person types. */
export function number(value, { min = 0, max, step = 1 } = {}) {
  const input = el("input", { type: "number", min, max, step, inputmode: "decimal" });
  input.value = value;
  return input;
}

/** A choice. `options` are pairs of value and text. */
export function choice(options, value) {
  const select = el(
    "select",
    {},
    ...options.map(([key, text]) => el("option", { value: key }, text)),
  );
  if (value !== undefined) select.value = value;
  return select;
}

export function button(text, click, attributes = {}) {
  return el("button", { type: "button", click, ...attributes }, text);
}

/** Microseconds as a person reads them. */
export function showTime(us) {
  if (us >= 1e6) return `${+(us / 1e6).toFixed(3)} s`;
  return `${+(us / 1e3).toFixed(3)} ms`;
}
