/** How many positions a worker guards now, by its own metrics. */
export async function guardedPositions(metricsUrl: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  const found = /^holdfast_guarded_positions(?:\{[^}]*\})? (\S+)$/m.exec(text);
  if (!found) throw new Error('the worker tells no guarded positions');
  return Number(found[1]);
}
