/** `-0.005` → `-0.50%`, for people. */
export function percent(fraction: number, decimals = 2): string {
  return `${(fraction * 100).toFixed(decimals)}%`;
}
