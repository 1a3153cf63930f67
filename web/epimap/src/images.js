// Pictures the style refers to by name, drawn when first asked for. Shapes are signed distance
// fields, so that one picture takes any colour and a halo.
const SIZE = 32;
const RADIUS = 10;

const OUTLINES = {
  'shape-circle': null,
  'shape-triangle': [[0, -1.15], [1.1, 0.85], [-1.1, 0.85]],
  'shape-diamond': [[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]],
  'shape-square': [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
};

/** @returns {{data: ImageData|{width, height, data}, options: object} | null} null for a foreign name */
export function pictureFor(name) {
  if (name in OUTLINES) return {data: shape(OUTLINES[name]), options: {sdf: true}};
  const [kind, ink] = name.split(' ');
  return kind in SLOPES ? {data: hatch(ink ?? '#5d6a76', SLOPES[kind]), options: {pixelRatio: 2}} : null;
}

/** Unknown is hatched one way, the hatches of levels lean the other way. */
const SLOPES = {hatch: [1], lines: [-1], cross: [-1, 1]};

/**
 * Diagonal lines that tile without a seam. Half transparent: MapLibre packs patterns beside shapes, and an
 * opaque neighbour would show as a speck at the rim of a shape's distance field.
 */
function hatch(ink, slopes) {
  const size = 16;
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  pen.globalAlpha = 0.6;
  pen.strokeStyle = ink;
  pen.lineWidth = 2.5;
  pen.beginPath();
  for (const slope of slopes) {
    for (const shift of [-size, 0, size]) {
      pen.moveTo(shift - 2, slope > 0 ? size + 2 : -2);
      pen.lineTo(shift + size + 2, slope > 0 ? -2 : size + 2);
    }
  }
  pen.stroke();
  return pen.getImageData(0, 0, size, size);
}

/** MapLibre reads alpha 191 as the edge; 8 px of distance span the range of the field. */
function shape(outline) {
  const data = new Uint8ClampedArray(SIZE * SIZE * 4);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      const outside = distance((x + 0.5 - SIZE / 2) / RADIUS, (y + 0.5 - SIZE / 2) / RADIUS, outline) * RADIUS;
      data[(y * SIZE + x) * 4 + 3] = 191 - (outside / 8) * 255;
    }
  }
  return {width: SIZE, height: SIZE, data};
}

/** Signed distance from (x, y) to a clockwise convex outline (null: the unit circle), negative inside. */
function distance(x, y, outline) {
  if (!outline) return Math.hypot(x, y) - 1;
  let nearest = Infinity;
  let inside = true;
  outline.forEach(([ax, ay], i) => {
    const [bx, by] = outline[(i + 1) % outline.length];
    const along = Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)));
    nearest = Math.min(nearest, Math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)));
    inside &&= (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0;
  });
  return inside ? -nearest : nearest;
}
