/** Curves over time as one SVG: small multiples, each with its own scale from 0. */
export interface Curve {
  readonly title: string;
  readonly unit: string;
  readonly values: readonly number[];
}

const WIDTH = 360;
const HEIGHT = 120;
const COLUMNS = 2;
const MARGIN = { left: 12, top: 26, right: 12, bottom: 20 };

export function plot(curves: readonly Curve[], hours: number): string {
  const rows = Math.ceil(curves.length / COLUMNS);
  const size = [COLUMNS * WIDTH, rows * HEIGHT] as const;
  const panels = curves.map((curve, index) => {
    const x = (index % COLUMNS) * WIDTH;
    const y = Math.floor(index / COLUMNS) * HEIGHT;
    return `<g transform="translate(${x} ${y})">${panel(curve, hours)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.join(' ')}" font-family="sans-serif" font-size="11">`,
    `<rect width="${size[0]}" height="${size[1]}" fill="#fff"/>`,
    ...panels,
    '</svg>\n',
  ].join('\n');
}

function panel({ title, unit, values }: Curve, hours: number): string {
  const most = Math.max(...values, 1);
  const right = WIDTH - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;
  const points = values.map((value, index) => {
    const x = MARGIN.left + (index / Math.max(1, values.length - 1)) * (right - MARGIN.left);
    return `${x.toFixed(1)},${(bottom - (value / most) * (bottom - MARGIN.top)).toFixed(1)}`;
  });
  const last = values.at(-1) ?? 0;
  return [
    `<text x="${MARGIN.left}" y="16" font-weight="600">${title}</text>`,
    `<text x="${right}" y="16" text-anchor="end" fill="#555">most ${round(most)}, last ${round(last)} ${unit}</text>`,
    `<line x1="${MARGIN.left}" y1="${bottom}" x2="${right}" y2="${bottom}" stroke="#bbb"/>`,
    `<polyline points="${points.join(' ')}" fill="none" stroke="#2563eb" stroke-width="1.5"/>`,
    `<text x="${MARGIN.left}" y="${HEIGHT - 6}" fill="#777">0 h</text>`,
    `<text x="${right}" y="${HEIGHT - 6}" text-anchor="end" fill="#777">${hours.toFixed(1)} h</text>`,
  ].join('');
}

function round(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(1);
}
