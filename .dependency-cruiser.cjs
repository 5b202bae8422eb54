/** The arrows of docs/design.md, checked by machine. */
module.exports = {
  forbidden: [
    {
      // A type import is gone at run time and can't make a cycle there.
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'domain-is-pure',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { pathNot: '^(src/domain/|node_modules/(@types/)?big\\.js)' },
    },
    {
      name: 'workflows-see-domain-and-activity-types-only',
      severity: 'error',
      from: { path: '^src/workflows/' },
      to: { pathNot: '^(src/(domain|workflows|activities)/|node_modules/@temporalio/(workflow|common))' },
    },
    {
      name: 'workflows-import-activities-as-types',
      severity: 'error',
      from: { path: '^src/workflows/' },
      to: { path: '^src/activities/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'activities-see-ports-not-parts',
      severity: 'error',
      from: { path: '^src/activities/' },
      to: { path: '^(src/exchange/(kraken|paper)/|src/(cli|dashboard|embedded|backtest)/)' },
    },
    {
      name: 'activities-see-the-database-as-types',
      severity: 'error',
      from: { path: '^src/activities/' },
      to: { path: '^db/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-roots-wire-real-parts',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(worker\\.ts|embedded/|cli/|dashboard/|exchange/|backtest/)' },
      to: { path: '^(db/data-source|src/exchange/(kraken|paper)/)', dependencyTypesNot: ['type-only'] },
    },
    {
      // The same fees, book and pairs; nothing of the paper exchange that runs.
      name: 'backtest-sees-the-rules-of-the-paper-exchange-only',
      severity: 'error',
      from: { path: '^src/backtest/' },
      to: {
        path: '^(db/|src/(activities|workflows|embedded|cli|dashboard|exchange)/)',
        pathNot: '^src/exchange/paper/((account-volume|book|fees|holds|pairs)|market/tape)\\.ts$',
      },
    },
    {
      name: 'src-never-imports-test',
      severity: 'error',
      from: { path: '^(src|db)/' },
      to: { path: '^(test|bench)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};
