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
  { ignores: ['node_modules/', 'dist/', 'cli/dist/', '.holdfast/', 'coverage/', 'test/harness/bench/bare/'] },
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
        {
          object: 'process',
          property: 'env',
          message: 'Only config.ts and cli/main.ts read the environment, and platform/envFile.ts adds to it.',
        },
      ],
      'max-lines': ['error', { max: 350, skipBlankLines: true }],
    },
  },
  // No compiler reads these, so the rules that ask it for types can't run.
  { files: ['**/*.mjs', 'examples/**/*.js'], ...tseslint.configs.disableTypeChecked },
  { files: ['workflows/**/*.ts'], rules: { 'no-restricted-imports': ['error', nodeBuiltinsAndServices] } },
  {
    files: [
      'config.ts',
      'cli/main.ts',
      'platform/envFile.ts',
      'dev/**',
      'test/**',
      'examples/**',
      'vitest.config.ts',
      'vitest.long.config.ts',
    ],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // A test that meets `undefined` fails at that line, which is what it should do.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // `expect.any(String)` is an `any`, by vitest's types; so are the rows of a query whose shape a test only compares.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // `void (await stop())` says that a result is dropped on purpose.
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      // The result of MockActivityEnvironment.run is the second of its type arguments: a cast is shorter than both.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      // A test knows what it makes fail, and fails itself when something else does.
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'off',
      // What a callback or another process changes looks constant to the compiler.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // `expect(fake.method)` names a method without calling it.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
