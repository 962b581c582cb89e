// Elements made of text: nothing that comes from the data is ever read as markup.

/** An element with a class and text or child elements. */
export function el(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
}

/** A text that came from the data, kept apart from the writing direction of what stands around it. */
export function foreign(text) {
  return el('bdi', '', String(text));
}

/** Keeps clicks and scrolling in a control from the map below it, even from a button that its click has replaced. */
export function keepFromMap(node) {
  L.DomEvent.disableClickPropagation(node);
  L.DomEvent.disableScrollPropagation(node);
  for (const type of ['click', 'dblclick']) node.addEventListener(type, (event) => event.stopPropagation());
}

/** A small canvas for a legend, drawn by `draw(ctx, width, height)`, `ratio` pixels to a CSS pixel. */
export function swatch(width, height, draw, ratio = window.devicePixelRatio || 1) {
  const canvas = el('canvas', 'registry-swatch');
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  canvas.setAttribute('aria-hidden', 'true');
  const ctx = canvas.getContext('2d');
  ctx.scale(ratio, ratio);
  draw(ctx, width, height);
  return canvas;
}
