// Bundles each entry point into one CommonJS file. Run by Node itself: `node esbuild.ts [--watch]`.
import { pathToFileURL } from 'node:url';
import { type BuildOptions, build, context } from 'esbuild';

/** ps-list asks for `import.meta.url` when it is loaded, which a CommonJS bundle does not have. */
const importMetaUrl = {
  define: { 'import.meta.url': '__importMetaUrl' },
  banner: { js: "const __importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
};

const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  sourcemap: 'linked',
  sourcesContent: false,
  minify: true,
  keepNames: true,
  legalComments: 'none',
  // jsonc-parser's `main` is UMD, which does not bundle.
  mainFields: ['module', 'main'],
  metafile: true,
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** Every bundle that ships, by name. A test reads this to check what each one imports. */
export const bundles: Record<'extension' | 'cli' | 'guard', BuildOptions> = {
  extension: {
    ...common,
    ...importMetaUrl,
    entryPoints: ['src/extension/extension.ts'],
    outfile: 'dist/extension.cjs',
    external: ['vscode'],
  },
  cli: {
    ...common,
    define: importMetaUrl.define,
    banner: { js: `#!/usr/bin/env node\n${importMetaUrl.banner.js}` },
    entryPoints: ['src/cli/main.ts'],
    outfile: 'dist/cli.cjs',
  },
  guard: {
    ...common,
    // Names cost a call for every closure that is made; the guard makes some for each message.
    keepNames: false,
    define: importMetaUrl.define,
    banner: { js: `#!/usr/bin/env node\n${importMetaUrl.banner.js}` },
    entryPoints: ['src/guard/main.ts'],
    outfile: 'dist/guard.cjs',
  },
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (process.argv.includes('--watch')) {
    for (const options of Object.values(bundles)) {
      await (await context(options)).watch();
    }
  } else {
    await Promise.all(Object.values(bundles).map((options) => build(options)));
  }
}
