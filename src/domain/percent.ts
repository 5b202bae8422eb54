/** `-0.005` → `-0.50%`, for people. What rounds to zero has no sign. */
export function percent(fraction: number, decimals = 2): string {
  const shown = (fraction * 100).toFixed(decimals);
  return `${Number(shown) === 0 ? shown.replace('-', '') : shown}%`;
}
