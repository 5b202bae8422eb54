import { InvalidArgumentError } from 'commander';

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** `24h`, `90m`, `7d`, `2w`, a date `2026-01-31` or a time in ISO 8601 → epoch ms. */
export function sinceOption(text: string, nowMs = Date.now()): number {
  const span = /^(\d+)([mhdw])$/.exec(text);
  if (span) return nowMs - Number(span[1]) * UNIT_MS[span[2] as keyof typeof UNIT_MS];
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) {
    throw new InvalidArgumentError(`it is ${text}: 24h, 90m, 7d, 2w or a date like 2026-01-31 is allowed`);
  }
  return at;
}
