// Everything of ours that a page holds, in the order it was made.

export const kept = [];

/** Remembers a layer or a control that stands on a map, and says on the console when its data cannot be read. */
export function keep(piece) {
  kept.push(piece);
  piece.waiting = true;
  const settled = () => {
    piece.waiting = false;
    piece.redraw?.();
  };
  piece.ready.then(settled).catch((error) => console.error(error));
  return piece;
}
