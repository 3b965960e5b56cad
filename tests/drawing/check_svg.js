// What is wrong with the SVG that is open, as sentences. Geometry and colours are the browser's own:
// what it measures is what a person sees, whatever fonts the layout program believed in.
(backgrounds) => {
  const problems = [];
  const say = (element, what) => {
    const group = element.closest("g[id]") ?? element;
    const text = (element.closest("text") ?? group.querySelector("text") ?? group).textContent;
    problems.push(`${group.id || group.tagName} (${text.trim().slice(0, 60)}): ${what}`);
  };

  // --- colours ----------------------------------------------------------------------------------
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour, opacity = 1) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return { rgb: [r, g, b], alpha: (a / 255) * opacity };
  };
  const over = (ink, ground) => ink.rgb.map((c, i) => c * ink.alpha + ground[i] * (1 - ink.alpha));
  const luminance = (rgb) => {  // WCAG 2.2
    const [r, g, b] = rgb
      .map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
  };
  const paint = (element, property, ground) => {
    const style = getComputedStyle(element);
    if (style[property] === "none") return null;
    const opacity = Number(style[`${property}Opacity`]) * Number(style.opacity);
    return over(rgba(style[property], opacity), ground);
  };
  const wants = (element, ratio, least, what) => {
    if (ratio < least - 0.005) say(element, `${what} has a contrast of ${ratio.toFixed(2)}`);
  };

  // --- geometry, in pixels of the screen --------------------------------------------------------
  const SHAPES = "ellipse, circle, polygon, path, rect";
  const slack = 0.5;
  const box = (element) => element.getBoundingClientRect();
  const meet = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > slack &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > slack;
  // Letters leave the top and the bottom of their line empty.
  const ink = (text) => {
    const all = box(text);
    const size = parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().d;
    const base = new DOMPoint(0, Number(text.getAttribute("y"))).matrixTransform(text.getScreenCTM()).y;
    return new DOMRect(all.left, base - 0.75 * size, all.width, 0.95 * size);
  };
  const inside = (x, y, shape) =>
    shape.isPointInFill(new DOMPoint(x, y).matrixTransform(shape.getScreenCTM().inverse()));
  const grid = (r, columns, rows) =>
    Array.from({ length: columns * rows }, (_, i) => [
      r.left + slack + ((i % columns) / (columns - 1)) * Math.max(0, r.width - 2 * slack),
      r.top + slack + (Math.floor(i / columns) / (rows - 1)) * Math.max(0, r.height - 2 * slack),
    ]);

  // --- nodes ------------------------------------------------------------------------------------
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const nodes = all("g.node").map((group) => ({ group, shapes: all(SHAPES, group) }));
  const areas = nodes.map(({ shapes }) => {
    const boxes = shapes.map(box);
    const [left, top] = ["left", "top"].map((side) => Math.min(...boxes.map((b) => b[side])));
    const [right, bottom] = ["right", "bottom"].map((side) => Math.max(...boxes.map((b) => b[side])));
    return { left, top, right, bottom };
  });
  if (!nodes.length) problems.push("there are no nodes");
  nodes.forEach(({ group, shapes }, i) => {
    if (!shapes.length) return say(group, "has no shape");
    for (let j = 0; j < i; j++)
      if (meet(areas[i], areas[j])) say(group, `overlaps ${nodes[j].group.id}`);
    for (const text of all("text", group)) {
      if (!text.textContent.trim()) continue;
      const letters = ink(text);
      const out = grid(letters, 2, 2).filter(([x, y]) => !shapes.some((s) => inside(x, y, s)));
      if (out.length) say(text, `is wider than its shape, ${letters.width.toFixed(1)} px`);
    }
    for (const ground of backgrounds.map((b) => rgba(b).rgb)) {
      const filled = shapes.find((shape) => getComputedStyle(shape).fill !== "none");
      const fill = filled ? paint(filled, "fill", ground) : ground;
      for (const text of all("text", group))
        wants(text, contrast(paint(text, "fill", fill), fill), 4.5, "text");
      const outline = paint(shapes[0], "stroke", ground) ?? ground;
      wants(group, Math.max(contrast(outline, ground), contrast(fill, ground)), 3, "shape");
    }
  });

  // --- edges, and the frames around groups ------------------------------------------------------
  const labels = all("g.edge text, g.cluster text").filter((text) => text.textContent.trim());
  labels.forEach((text, i) => {
    const points = grid(ink(text), 7, 3);
    for (const { group, shapes } of nodes)
      if (points.some(([x, y]) => shapes.some((shape) => inside(x, y, shape))))
        say(text, `lies on the node ${group.id}`);
    for (const other of labels.slice(0, i))
      if (meet(ink(text), ink(other))) say(text, `overlaps the label ${other.textContent}`);
  });
  for (const background of backgrounds) {
    const ground = rgba(background).rgb;
    for (const text of labels)
      wants(text, contrast(paint(text, "fill", ground), ground), 3, `label on ${background}`);
    for (const line of all("g.edge path, g.edge polygon, g.cluster path, g.cluster polygon")) {
      const colour = paint(line, "stroke", ground);
      if (colour) wants(line, contrast(colour, ground), 3, `line on ${background}`);
    }
  }

  // --- the whole --------------------------------------------------------------------------------
  const whole = box(document.querySelector("svg"));
  for (const text of all("text")) {
    const b = box(text);
    if (b.left < whole.left - slack || b.right > whole.right + slack) say(text, "leaves the picture");
    if (b.top < whole.top - slack || b.bottom > whole.bottom + slack) say(text, "leaves the picture");
  }
  return [...new Set(problems)];
}
