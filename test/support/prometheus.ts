import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url));

interface RuleFile {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
}

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

export interface Query {
  /** Alert rule or panel. */
  readonly where: string;
  readonly expr: string;
}

/** Every expression in the alert rules and in the Grafana dashboard. */
export function deployedQueries(): Query[] {
  const read = (file: string) => readFileSync(path.join(DEPLOY, file), 'utf8');
  const { groups } = parse(read('prometheus/rules.yml')) as RuleFile;
  const { panels } = JSON.parse(read('grafana/dashboards/holdfast.json')) as Dashboard;
  return [
    ...groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ where: alert, expr }))),
    ...panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ where: title, expr }))),
  ];
}

const SELECTOR = /\b((?:holdfast|temporal)_\w+)(?:\{([^}]*)\})?/g;
const GROUPING = /\bby \(([^)]*)\)/g;
/** Of histograms, and given by Prometheus itself. */
const NOT_OURS = new Set(['le', 'instance', 'job']);

/** What an expression needs and `/metrics` does not have; empty when all is there. */
export function missingFrom(metrics: string, { expr }: Query): string[] {
  const lines = metrics.split('\n');
  const missing: string[] = [];
  const used: string[] = [];
  for (const [, name = '', matchers = ''] of expr.matchAll(SELECTOR)) {
    const family = name.replace(/_(bucket|sum|count)$/, '');
    // A metric that counts by label has no line before there is something to count.
    if (!lines.some((line) => line.startsWith(`# TYPE ${name} `) || line.startsWith(`# TYPE ${family} `)))
      missing.push(name);
    const samples = lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    used.push(...samples);
    for (const matcher of matchers === '' ? [] : matchers.split(','))
      if (!samples.some((line) => line.includes(matcher.trim()))) missing.push(`${name}{${matcher}}`);
  }
  for (const [, labels = ''] of expr.matchAll(GROUPING)) {
    for (const label of labels.split(',').map((each) => each.trim()))
      if (!NOT_OURS.has(label) && used.length > 0 && !used.some((line) => line.includes(`${label}="`)))
        missing.push(`label ${label}`);
  }
  return missing;
}
