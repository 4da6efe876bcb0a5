// Who may import whom. ARCHITECTURE.md says why; `npm run directions` checks it.

const ROOMS = [
  'errors',
  'bytes',
  'hash',
  'keys',
  'dsse',
  'x509',
  'cms',
  'measurement',
  'label',
  'verity',
  'evm',
  'policy',
  'appraisal',
  'preflight',
  'tpm',
  'eventlog',
  'package',
  'baseline',
  'evidence',
  'reference',
  'verdict',
  'ear',
];

const PACKAGES = {
  core: [],
  linux: ['core'],
  wire: ['core'],
  engine: ['core', 'linux'],
  agent: ['core', 'linux', 'wire'],
  verifier: ['core', 'wire'],
  // `assay up` runs on the simulated TPM of testkit where the machine has no TPM and no swtpm.
  cli: ['core', 'linux', 'engine', 'wire', 'agent', 'verifier', 'testkit'],
  dashboard: ['core', 'wire'],
  testkit: ['core', 'linux', 'wire'],
};

// What tests may import besides testkit and what their package may import: the page is tested against the real service.
const TESTS = { dashboard: ['linux', 'verifier'], agent: ['verifier'] };

const alternatives = (names) => `(?:${names.join('|')})`;

function packageRules(name) {
  const others = [name, ...PACKAGES[name]];
  const tests = [...others, 'testkit', ...(TESTS[name] ?? [])];
  return [
    {
      name: `package-${name}`,
      comment: `packages/${name} may import only: ${PACKAGES[name].join(', ') || 'nothing'}`,
      severity: 'error',
      from: { path: `^packages/${name}/(?!test/)` },
      to: { path: `^packages/(?!${alternatives(others)}/)` },
    },
    {
      name: `package-${name}-tests`,
      comment: `tests of packages/${name} may import only: ${tests.join(', ')}`,
      severity: 'error',
      from: { path: `^packages/${name}/test/` },
      to: { path: `^packages/(?!${alternatives(tests)}/)` },
    },
    {
      name: `internals-of-${name}`,
      comment: `packages/${name} is imported by its package name and exports, never by a path into it`,
      severity: 'error',
      from: { pathNot: `^packages/${name}/` },
      to: { path: `^packages/${name}/`, dependencyTypes: ['local'], dependencyTypesNot: ['aliased-workspace'] },
    },
  ];
}

function roomRule(room, index) {
  return {
    name: `room-${room}`,
    comment: `core/${room} may import only: ${ROOMS.slice(0, index).join(', ') || 'nothing'}`,
    severity: 'error',
    from: { path: `^packages/core/src/${room}/` },
    to: { path: `^packages/core/src/(?!${alternatives(ROOMS.slice(0, index + 1))}/)` },
  };
}

export default {
  forbidden: [
    ...Object.keys(PACKAGES).flatMap(packageRules),
    ...ROOMS.map(roomRule),
    {
      name: 'room-unknown',
      comment: 'a room of core has its place in the order of ROOMS; core has no files outside rooms',
      severity: 'error',
      from: { path: `^packages/core/src/(?!${alternatives([...ROOMS, 'node'])}/)` },
      to: {},
    },
    {
      name: 'package-unknown',
      comment: 'a package has its place in PACKAGES',
      severity: 'error',
      from: { path: `^packages/(?!${alternatives(Object.keys(PACKAGES))}/)` },
      to: {},
    },
    {
      name: 'core-is-pure',
      comment: 'core imports nothing from outside; only core/node, which implements its ports, imports Node',
      severity: 'error',
      from: { path: '^packages/core/src/', pathNot: '^packages/core/src/node/' },
      to: { pathNot: '^packages/core/src/' },
    },
    {
      name: 'core-node-has-no-dependency',
      comment: 'core/node imports core and Node, nothing else',
      severity: 'error',
      from: { path: '^packages/core/src/node/' },
      to: { pathNot: '^packages/core/src/', dependencyTypesNot: ['core'] },
    },
    {
      name: 'page-has-no-node',
      comment: 'the page runs in a browser: no module of Node, and none of the ports that need it',
      severity: 'error',
      from: { path: '^packages/dashboard/src/' },
      to: { path: '^packages/core/src/node/' },
    },
    {
      name: 'page-has-no-node-module',
      comment: 'the page runs in a browser',
      severity: 'error',
      from: { path: '^packages/dashboard/src/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'tests-stay-apart',
      comment: 'nothing outside a test directory imports a test',
      severity: 'error',
      from: { pathNot: '/test/' },
      to: { path: '^(?:packages/[^/]+|scripts)/test/' },
    },
    {
      name: 'no-circle',
      comment: 'modules that import each other in a circle cannot be understood one by one',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'the import leads nowhere; a package is reached only by the paths of its exports',
      severity: 'error',
      from: {},
      // The types of the HTTP API are generated before types are checked, and are not there in a fresh clone.
      to: { couldNotResolve: true, pathNot: '^\\./api\\.d\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.d.ts'],
    },
  },
};
