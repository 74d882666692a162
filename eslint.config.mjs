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
  { ignores: ['node_modules/', '.holdfast/', 'coverage/', '**/*.mjs'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only config.ts reads the environment.' },
      ],
      'max-lines': ['error', { max: 350, skipBlankLines: true }],
    },
  },
  { files: ['workflows/**/*.ts'], rules: { 'no-restricted-imports': ['error', nodeBuiltinsAndServices] } },
  {
    files: ['config.ts', 'dev/**/*.ts', 'test/**/*.ts', 'vitest.config.ts', 'vitest.long.config.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
);
