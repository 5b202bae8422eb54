/* global document, uPlot, window, matchMedia, ResizeObserver, Path2D */
// Runs in the page of a report; `report-data` and uPlot stand before it.
(() => {
  const data = JSON.parse(document.getElementById('report-data').textContent);
  const plots = [];
  const colour = (name) =>
    window.getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  const axis = (values, size) => ({
    stroke: () => colour('muted'),
    grid: { stroke: () => colour('line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
    space: 26,
    ...(values ? { values } : {}),
    ...(size ? { size } : {}),
  });
  // 24 hours, UTC; the date wherever it changes.
  const timeAxis = () => ({
    ...axis((_plot, splits, _axis, _space, step) => {
      let before = '';
      return splits.map((seconds) => {
        const iso = new Date(seconds * 1000).toISOString();
        const date = iso.slice(0, 10);
        const isNew = date !== before;
        before = date;
        if (step >= 86_400) return date;
        return isNew ? `${iso.slice(11, 16)}\n${date}` : iso.slice(11, 16);
      });
    }),
    space: 90,
    size: 36,
  });
  const plain = (_plot, splits) =>
    splits.map((value) => value.toLocaleString('en-US', { maximumFractionDigits: 2 }));
  const shares = (_plot, splits) => splits.map((value) => `${Number((value * 100).toFixed(2))}%`);
  const precise = (_plot, splits) => splits.map((value) => String(Number(value.toPrecision(4))));
  const around = (_plot, least, most) => {
    const pad = Math.max((most - least) * 0.15, Math.abs(most) * 0.02, 1e-6);
    return [least - pad, most + pad];
  };
  const sync = uPlot.sync('time');

  function draw(id, height, options, columns) {
    const host = document.getElementById(id);
    if (!host) return;
    const plot = new uPlot(
      {
        width: host.clientWidth,
        height,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), 'Etc/UTC'),
        legend: { show: false },
        cursor: { sync: { key: sync.key }, points: { show: false }, drag: { x: true, y: false } },
        ...options,
      },
      columns,
      host,
    );
    new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height })).observe(host);
    plots.push(plot);
  }

  const line = (name, extra) => ({
    stroke: () => colour(name),
    width: 1.5,
    points: { show: false },
    ...extra,
  });
  const filled = (name) => line(name, { fill: () => `${colour(name)}2b` });

  draw('equity', 240, { axes: [timeAxis(), axis(plain, 64)], series: [{}, line('accent')] }, [
    data.equity.times,
    data.equity.equity,
  ]);
  draw(
    'drawdown',
    120,
    {
      axes: [timeAxis(), axis(shares, 64)],
      scales: { y: { range: (_plot, least) => [Math.min(least, -0.001) * 1.1, 0] } },
      series: [{}, filled('loss')],
    },
    [data.equity.times, data.equity.drawdown],
  );
  draw(
    'exposure',
    120,
    {
      axes: [timeAxis(), axis(shares, 64)],
      scales: { y: { range: (_plot, _least, most) => [0, Math.max(most, 0.01) * 1.1] } },
      series: [{}, filled('accent')],
    },
    [data.equity.times, data.equity.exposure],
  );

  // Entries point the way of the trade, exits are crosses in the colour of their result.
  function markTrades(trades) {
    return (plot) => {
      const { ctx } = plot;
      const ratio = window.devicePixelRatio || 1;
      const size = (trades.length > 400 ? 2.5 : 4.5) * ratio;
      ctx.save();
      ctx.beginPath();
      ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
      ctx.clip();
      ctx.lineWidth = 1.5 * ratio;
      for (const trade of trades) {
        const x = plot.valToPos(trade.entryTime, 'x', true);
        const y = plot.valToPos(trade.entryPrice, 'y', true);
        const down = trade.isLong ? 1 : -1;
        const shape = new Path2D();
        shape.moveTo(x, y + down * size * 0.6);
        shape.lineTo(x - size, y + down * size * 2.2);
        shape.lineTo(x + size, y + down * size * 2.2);
        shape.closePath();
        ctx.fillStyle = colour(trade.isLong ? 'accent' : 'warn');
        ctx.fill(shape);
        if (trade.exitTime === null) continue;
        const outX = plot.valToPos(trade.exitTime, 'x', true);
        const outY = plot.valToPos(trade.exitPrice, 'y', true);
        ctx.strokeStyle = colour(trade.won ? 'gain' : 'loss');
        ctx.beginPath();
        ctx.moveTo(outX - size, outY - size);
        ctx.lineTo(outX + size, outY + size);
        ctx.moveTo(outX + size, outY - size);
        ctx.lineTo(outX - size, outY + size);
        ctx.stroke();
      }
      ctx.restore();
    };
  }

  data.prices.forEach((price, index) => {
    draw(
      `price-${index}`,
      320,
      {
        axes: [timeAxis(), axis(plain, 64)],
        series: [{}, line('muted', { width: 1 })],
        hooks: { draw: [markTrades(price.trades)] },
      },
      [price.times, price.closes],
    );
  });

  data.thresholds.forEach((threshold, index) => {
    draw(
      `threshold-${index}`,
      110,
      {
        axes: [timeAxis(), axis(precise, 56)],
        scales: { y: { range: around } },
        series: [{}, line('accent', { paths: uPlot.paths.stepped({ align: 1 }) })],
      },
      [data.thresholdTimes, threshold],
    );
  });

  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const plot of plots) plot.redraw();
  });
})();
