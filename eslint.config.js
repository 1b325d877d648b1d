import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * The one-way imports of ARCHITECTURE.md: what each folder under src/ may import from the others.
 * Everything not listed is refused.
 */
const MAY_IMPORT = {
  config: [],
  data: ['config/errors'],
  runs: ['config', 'data/random', 'data/durable'],
  protocol: [],
  tensor: ['data/random', 'config/errors'],
  models: ['tensor', 'data', 'config/errors'],
  stages: ['models', 'tensor', 'data', 'config', 'runs'],
  trainer: ['stages', 'models', 'tensor', 'data', 'config', 'runs'],
  cli: ['trainer', 'stages', 'models', 'tensor', 'data', 'config', 'runs'],
  editor: ['runs', 'config', 'data', 'protocol'],
};
const FOLDERS = Object.keys(MAY_IMPORT);

const oneWay = FOLDERS.map((folder) => {
  const allowed = MAY_IMPORT[folder];
  const refused = FOLDERS.filter((other) => other !== folder && !allowed.includes(other));
  const exceptions = allowed.filter((path) => path.includes('/'));
  const patterns = refused.map((other) => {
    const except = exceptions
      .filter((path) => path.startsWith(`${other}/`))
      .map((path) => path.slice(other.length + 1));
    const tail = except.length ? `(?!/(${except.join('|')})$)` : '';
    return {
      regex: `^(\\.\\./)+${other}${tail}(/|$)`,
      message: `src/${folder} may not import src/${other} (see ARCHITECTURE.md).`,
    };
  });
  if (folder !== 'editor') patterns.push({ regex: '^vscode$', message: 'Only src/editor imports vscode.' });
  patterns.push({ regex: 'webview/', message: 'src never imports webview.' });
  return { files: [`src/${folder}/**/*.ts`], rules: { 'no-restricted-imports': ['error', { patterns }] } };
});

export default tseslint.config(
  { ignores: ['dist', '.vscode-test', 'node_modules', 'examples/quickstart/model', 'coverage'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: {
        console: 'readonly',
        process: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        fetch: 'readonly',
      },
    },
  },
  ...oneWay,
  {
    files: ['webview/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^(\\.\\./)+src/(?!protocol/)', message: 'webview imports only src/protocol.' }] },
      ],
    },
  },
);
