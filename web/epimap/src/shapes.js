// Pure geometry of areas drawn by hand. Places are [lng, lat] in degrees, lengths metres on a sphere.
const EARTH_M = 6_371_008.8;
const RADIAN = Math.PI / 180;
const MOST_POINTS = 60;
const NEGLIGIBLE = 1e-4; // of the box around the shape: about a pixel where it was drawn
const rounded = value => Number(value.toFixed(5));

/** Haversine. */
export function metresBetween([lng, lat], [toLng, toLat]) {
  const across = Math.sin((toLng - lng) * RADIAN / 2) ** 2 * Math.cos(lat * RADIAN) * Math.cos(toLat * RADIAN);
  return 2 * EARTH_M * Math.asin(Math.sqrt(Math.sin((toLat - lat) * RADIAN / 2) ** 2 + across));
}

/** A closed ring; the error of treating the ground as flat is far below a metre at city scale. */
export function circleRing([lng, lat], radius_m, corners = 64) {
  const up = radius_m / EARTH_M / RADIAN;
  const across = up / Math.cos(lat * RADIAN);
  return Array.from({length: corners + 1}, (_, i) => {
    const angle = 2 * Math.PI * (i % corners) / corners;
    return [lng + across * Math.cos(angle), lat + up * Math.sin(angle)];
  });
}

export function ringOf(area) {
  if (area.kind === 'circle') return circleRing([area.lng, area.lat], area.radius_m);
  return [...area.points, area.points[0]];
}

export const lassoOf = points => ({kind: 'lasso', points: simplify(points)});

export function circleOf([lng, lat], radius_m) {
  return {kind: 'circle', lng: rounded(lng), lat: rounded(lat), radius_m: Math.round(radius_m)};
}

/** Visvalingam & Whyatt (1993) on a ring: drops the corner that adds least until few are left. */
export function simplify(points, most = MOST_POINTS) {
  const kept = [...points];
  const negligible = NEGLIGIBLE * boxSize(points);
  while (kept.length > 3) {
    const [least, at] = leastCorner(kept);
    if (kept.length <= most && least > negligible) break;
    kept.splice(at, 1);
  }
  return kept.map(place => place.map(rounded));
}

function boxSize(points) {
  const [across, up] = [0, 1].map(axis => points.map(point => point[axis])).map(side => Math.max(...side) - Math.min(...side));
  return across * up;
}

function leastCorner(ring) {
  let least = [Infinity, 0];
  ring.forEach(([x, y], i) => {
    const [ax, ay] = ring.at(i - 1);
    const [bx, by] = ring[(i + 1) % ring.length];
    const size = Math.abs((ax - x) * (by - y) - (bx - x) * (ay - y)) / 2;
    if (size < least[0]) least = [size, i];
  });
  return least;
}

/** The next round radius up or down: steps of half the power of ten below it, 10 m at least. */
export function nextRadius(radius_m, up) {
  const base = up ? radius_m : radius_m - 1;
  const step = Math.max(10, 10 ** Math.floor(Math.log10(Math.max(base, 1))) / 2);
  const next = up ? Math.floor(radius_m / step + 1) * step : Math.ceil(radius_m / step - 1) * step;
  return Math.min(50_000, Math.max(10, next));
}
