import { theme } from './theme.js';

/** Band edges further away than this share of the price would flatten the line; the text names them anyway. */
const NEAR = 0.012;
const MOST_POINTS = 120;
const LEAST_POINTS = 40;

/** Draws the marks of a position with its entry (dashed) and its band edges where they are near. */
export function drawSparkline(canvas, position, marks) {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (width === 0 || height === 0) return;
  const scale = devicePixelRatio;
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  const pen = canvas.getContext('2d');
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);

  const [, prices] = marks.newest(MOST_POINTS);
  if (prices.length === 0) return;
  const colours = theme();
  const entry = Number(position.entryPrice);
  const edges = nearEdges(position);
  const all = [...prices, entry, ...edges];
  const low = Math.min(...all);
  const span = Math.max(...all) - low || entry * 1e-4;
  const y = (price) => height - 3 - ((price - low) / span) * (height - 6);

  for (const edge of edges) level(pen, y(edge), width, colours.warn, [2, 3]);
  level(pen, y(entry), width, colours.muted, [4, 3]);
  const step = (width - 4) / (Math.max(LEAST_POINTS, prices.length) - 1);
  const start = width - 4 - (prices.length - 1) * step;
  pen.beginPath();
  prices.forEach((price, index) => pen.lineTo(start + index * step, y(price)));
  pen.lineWidth = 1.4;
  pen.lineJoin = 'round';
  pen.strokeStyle = position.returnPct >= 0 ? colours.gain : colours.loss;
  pen.stroke();
  pen.beginPath();
  pen.arc(width - 4, y(prices.at(-1)), 2.2, 0, 2 * Math.PI);
  pen.fillStyle = pen.strokeStyle;
  pen.fill();
}

export function nearEdges({ markPrice, exitsBelow, exitsAbove }, near = NEAR) {
  const mark = Number(markPrice);
  return [exitsBelow, exitsAbove]
    .filter((edge) => edge !== null && edge !== undefined)
    .map(Number)
    .filter((edge) => Math.abs(edge - mark) <= mark * near);
}

function level(pen, y, width, colour, dash) {
  pen.save();
  pen.beginPath();
  pen.setLineDash(dash);
  pen.lineWidth = 1;
  pen.strokeStyle = colour;
  pen.globalAlpha = 0.8;
  pen.moveTo(0, Math.round(y) + 0.5);
  pen.lineTo(width, Math.round(y) + 0.5);
  pen.stroke();
  pen.restore();
}
