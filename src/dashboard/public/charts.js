import uPlot from '/vendor/uplot/uPlot.esm.js';
import { amount, axisTime, price } from './format.js';
import { nearEdges } from './sparkline.js';
import { onThemeChange, theme } from './theme.js';

const FONT = '11px system-ui, sans-serif';

/** A chart that follows the width of its host and the colour scheme. `close()` ends it. */
class Chart {
  #host;
  #options;
  #data;
  #plot = null;
  #observer;
  #endTheme;

  constructor(host, options, data) {
    this.#host = host;
    this.#options = options;
    this.#data = data;
    this.#observer = new ResizeObserver(() => this.#fit());
    this.#observer.observe(host);
    this.#endTheme = onThemeChange(() => this.#rebuild());
    this.#rebuild();
  }

  set(data) {
    this.#data = data;
    this.#plot?.setData(data);
  }

  close() {
    this.#observer.disconnect();
    this.#endTheme();
    this.#plot?.destroy();
    this.#plot = null;
  }

  #rebuild() {
    this.#plot?.destroy();
    const { clientWidth: width, clientHeight: height } = this.#host;
    this.#plot = new uPlot(
      { ...this.#options(theme()), width: Math.max(120, width), height },
      this.#data,
      this.#host,
    );
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.#host;
    if (width > 0) this.#plot?.setSize({ width, height });
  }
}

function axis(colours, format, size) {
  return {
    stroke: colours.muted,
    font: FONT,
    grid: { stroke: colours.line, width: 1 },
    ticks: { show: false },
    ...(format
      ? { values: (_plot, splits) => splits.map((split) => (split === null ? '' : format(split))) }
      : {}),
    ...(size ? { size } : {}),
  };
}

/** Labels as fine as the grid; never finer than seconds. */
function timeAxis(colours) {
  return {
    ...axis(colours),
    space: 90,
    size: 30,
    incrs: [
      1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
      604_800, 2_592_000,
    ],
    values: (_plot, splits, _axis, _space, step) => splits.map((split) => axisTime(split * 1000, step)),
  };
}

const base = (colours) => ({
  legend: { show: false },
  cursor: { y: false, points: { size: 6 }, drag: { setScale: false } },
  padding: [10, 28, 0, 0],
  axes: [timeAxis(colours), axis(colours, (value) => price(value), 72)],
});

/** Mark over time with entry and band as lines. `current()` gives the position as it is now. */
export function priceChart(host, current, data) {
  return new Chart(
    host,
    (colours) => ({
      ...base(colours),
      scales: { y: { range: (_plot, low, high) => priceRange(current(), low, high) } },
      series: [{}, { stroke: colours.accent, width: 1.6, points: { show: false } }],
      hooks: { draw: [(plot) => drawLevels(plot, current(), colours)] },
    }),
    data,
  );
}

function priceRange(position, low, high) {
  const entry = Number(position.entryPrice);
  const shown = [entry, ...nearEdges(position, 0.03)];
  const bottom = Math.min(low ?? entry, ...shown);
  const top = Math.max(high ?? entry, ...shown);
  const air = (top - bottom || entry * 2e-4) * 0.08;
  return [bottom - air, top + air];
}

function drawLevels(plot, position, colours) {
  const lines = [
    [position.entryPrice, colours.muted, 'entry'],
    [position.exitsBelow, colours.warn, 'exits below'],
    [position.exitsAbove, colours.warn, 'exits above'],
  ];
  const { ctx: pen, bbox } = plot;
  const scale = devicePixelRatio;
  for (const [value, colour, label] of lines) {
    if (value === null || value === undefined) continue;
    const y = plot.valToPos(Number(value), 'y', true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    pen.save();
    pen.strokeStyle = colour;
    pen.fillStyle = colour;
    pen.lineWidth = scale;
    pen.setLineDash([5 * scale, 4 * scale]);
    pen.beginPath();
    pen.moveTo(bbox.left, y);
    pen.lineTo(bbox.left + bbox.width, y);
    pen.stroke();
    pen.font = `${11 * scale}px system-ui, sans-serif`;
    pen.textAlign = 'left';
    pen.textBaseline = 'bottom';
    pen.fillText(`${label} ${price(value)}`, bbox.left + 4 * scale, y - 2 * scale);
    pen.restore();
  }
}

const steps = () => uPlot.paths.stepped({ align: 1 });

/** Net P&L, or equity, over time; each close is a step. */
export function curveChart(host, data) {
  return new Chart(
    host,
    (colours) => ({
      ...base(colours),
      axes: [timeAxis(colours), axis(colours, (value) => amount(value), 78)],
      series: [
        {},
        {
          stroke: colours.accent,
          width: 1.6,
          fill: `${colours.accent}18`,
          paths: steps(),
          points: { show: false },
        },
      ],
    }),
    data,
  );
}

export function drawdownChart(host, data) {
  return new Chart(
    host,
    (colours) => ({
      ...base(colours),
      axes: [timeAxis(colours), axis(colours, (value) => amount(value), 78)],
      scales: { y: { range: (_plot, low) => [Math.min(low ?? 0, -0.01) * 1.08, 0] } },
      series: [
        {},
        {
          stroke: colours.loss,
          width: 1.4,
          fill: `${colours.loss}22`,
          paths: steps(),
          points: { show: false },
        },
      ],
    }),
    data,
  );
}
