// The import table of ARCHITECTURE.md as rules: a folder may import itself and what it is given here.
const table = {
  lib: [],
  contract: [],
  domain: ['contract', 'lib'],
  store: ['contract', 'lib', 'domain'],
  github: ['contract', 'lib', 'domain'],
  dispatch: ['contract', 'lib', 'domain', 'store', 'github'],
  webhooks: ['contract', 'lib', 'domain', 'store', 'github', 'dispatch'],
  'runner-api': ['contract', 'lib', 'domain', 'store', 'dispatch'],
  dashboard: ['contract', 'lib', 'domain', 'store', 'dispatch'],
  runner: ['contract', 'lib', 'domain'],
  standin: [],
  operator: ['contract', 'lib', 'domain'],
  demo: ['contract', 'lib', 'domain', 'standin', 'operator'],
};

const folders = Object.entries(table).map(([folder, allowed]) => ({
  name: `${folder}-imports-only-what-lies-below`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  // Our own version is a fact that anyone may name.
  to: {
    path: '^src/',
    pathNot: [...[folder, ...allowed].map((name) => `^src/${name}/`), '^src/package-version\\.ts$'],
  },
}));

export default {
  forbidden: [
    ...folders,
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'dispatch-knows-store-and-github-as-types',
      comment:
        'Only serve.ts picks what stands behind them; errors are told apart by class, so that file is exempt.',
      severity: 'error',
      from: { path: '^src/(dispatch|webhooks|runner-api|dashboard)/' },
      to: {
        path: '^src/(store|github)/',
        pathNot: '^src/github/github-error\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'octokit-stays-in-its-folders',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot:
          '^src/(github/|webhooks/inbox\\.ts|operator/webhook-send\\.ts|runner/(?:check-run|signed-commits)\\.ts|runner/transport/github/|app\\.ts|coordinator\\.ts|serve\\.ts)',
      },
      to: { path: 'node_modules/(@octokit|probot)/' },
    },
    {
      name: 'sql-stays-in-the-store',
      severity: 'error',
      // The runner's lock is one of the operating system on an empty SQLite file; no SQL data in it.
      from: { path: '^src/', pathNot: ['^src/store/', '^src/runner/lock\\.ts$'] },
      to: { path: ['node_modules/(kysely|pg)/', '^(node:)?sqlite$'] },
    },
    {
      name: 'domain-and-contract-touch-nothing-outside',
      severity: 'error',
      from: { path: '^src/(domain|contract)/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'nothing-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-development-packages',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg'] },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
