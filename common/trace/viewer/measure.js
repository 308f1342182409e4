// How wide texts are.

/** Measures texts in the font of `node`: the sum of their signs, each measured once. Texts are many,
    signs are few. */
export function measurer(node) {
  const pen = document.createElement("canvas").getContext("2d");
  const family = getComputedStyle(node).fontFamily;
  const [plain, bold] = ["", "600 "].map((weight) => {
    const known = new Map();
    return (sign) => {
      let width = known.get(sign);
      if (width === undefined) {
        pen.font = `${weight}12px ${family}`;
        known.set(sign, (width = pen.measureText(sign).width));
      }
      return width;
    };
  });
  return (text, isBold) => {
    const widthOf = isBold ? bold : plain;
    let sum = 0;
    for (const sign of text) sum += widthOf(sign);
    return sum;
  };
}
