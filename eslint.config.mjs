import tseslint from 'typescript-eslint';

const nodeBuiltinsAndServices = {
  patterns: [
    {
      group: ['node:*', 'fs', 'path', 'crypto', 'os', 'net', 'http', 'child_process'],
      message: 'Workflow code is deterministic: no Node built-ins.',
    },
    {
      group: ['pg', 'openai', 'hono', 'hono/*', '@hono/*', 'undici', 'pino'],
      message: 'Workflow code reaches the world through activities only.',
    },
    {
      group: [
        '../activities/*',
        '../ledger/*',
        '../store/*',
        '../temporal/*',
        '../provider/*',
        '../outbound/*',
        '../texts/*',
        '../network/*',
        '../api/*',
        '../worker/*',
        '../platform/*',
        '../config*',
      ],
      message: 'Workflows know contracts/ and nothing else of ours.',
    },
  ],
};

export default tseslint.config(
  { ignores: ['node_modules/', '.holdfast/', 'coverage/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // A number prints as one would expect.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `() => clearTimeout(timer)` reads well, and its type already says that nothing is returned.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A function that promises a result rejects and never throws: `async` is what makes it so, with or without an `await`.
      '@typescript-eslint/require-await': 'off',
      // The enums of gRPC and of Temporal's protocol belong to packages that are not ours to import: we name their numbers.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      // undici's Headers are not Node's, and Temporal types a Connection as what it has in common with a native one.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only config.ts reads the environment.' },
      ],
      'max-lines': ['error', { max: 350, skipBlankLines: true }],
    },
  },
  // No compiler reads these, so the rules that ask it for types can't run.
  { files: ['**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  { files: ['workflows/**/*.ts'], rules: { 'no-restricted-imports': ['error', nodeBuiltinsAndServices] } },
  {
    files: ['config.ts', 'dev/**', 'test/**', 'vitest.config.ts', 'vitest.long.config.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: Object.fromEntries(
      [
        'no-base-to-string',
        'no-deprecated',
        'no-meaningless-void-operator',
        'no-misused-spread',
        'no-non-null-assertion',
        'no-unnecessary-condition',
        'no-unnecessary-type-assertion',
        'no-unnecessary-type-conversion',
        'no-unsafe-assignment',
        'no-unsafe-call',
        'no-unsafe-member-access',
        'no-unsafe-return',
        'no-useless-default-assignment',
        'unbound-method',
        'use-unknown-in-catch-callback-variable',
      ].map((rule) => [`@typescript-eslint/${rule}`, 'off']),
    ),
  },
);
