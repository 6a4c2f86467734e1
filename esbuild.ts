// Builds the shipped programs. Run by Node itself: `node esbuild.ts [--maps | --watch]`. With `--maps` and `--watch` debuggers and coverage find the sources; what is packaged names no
// maps, because they are not packaged: 5 kB of names that no program reads.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BuildOptions, build, context, type Metafile, type OutputFile, type Plugin, type PluginBuild, transform } from 'esbuild';
import { minify } from 'terser';
import { packagedReadme } from './scripts/system/packagedReadme.ts';

/** ps-list and our own modules read `import.meta.url` when they are loaded, which CommonJS does not have. */
const importMetaUrl = { 'import.meta.url': '__importMetaUrl' };

/** @param file expression for the path whose URL `import.meta.url` is */
const importMetaBanner = (file: string): string => `const __importMetaUrl = require('node:url').pathToFileURL(${file}).href;`;

/** `yaml` is as large as a sixth of a program, and few starts need it: a file of its own beside the pieces that command line and extension share. */
const yamlFile = './core/yaml.cjs';

/**
 * Libraries that take time to load (dozens of regular expressions, all emoji in one, 70 modules of `yaml`) and that most starts do not use. Each is replaced by a stand-in that loads
 * the library when it is first called or read. Their default exports are functions, or objects of functions and classes.
 */
const loadedWhenUsed: Plugin = {
  name: 'loaded-when-used',
  setup({ onResolve, onLoad }) {
    const namespace = 'loaded-when-used';
    onResolve(
      { filter: /^(?:semver\/.+|@renovatebot\/pep440(?:\/.+)?|string-width|yaml)$/ },
      ({ path, resolveDir, importer, namespace: from }) =>
        from === namespace || importer.includes('node_modules') ? undefined : { path, namespace, pluginData: resolveDir },
    );
    onLoad({ filter: /.*/, namespace }, ({ path, pluginData: resolveDir }) => ({
      contents: `
        import { createRequire } from 'node:module';
        let loaded;
        const real = () => (loaded ??= ${path === 'yaml' ? `createRequire(import.meta.url)('${yamlFile}')` : `require(${JSON.stringify(path)})${path === 'string-width' ? '.default' : ''}`});
        export default new Proxy(() => undefined, { apply: (_, self, args) => Reflect.apply(real(), self, args), get: (_, name) => real()[name] });`,
      resolveDir,
    }));
  },
};

/** Of the manifest the programs need only the version; the rest, the texts of the extension's commands and settings, is 19 kB in a program that never reads it. */
const manifestVersion: Plugin = {
  name: 'manifest-version',
  setup({ onLoad }) {
    const manifest = join(import.meta.dirname, 'package.json');
    onLoad({ filter: /[\\/]package\.json$/ }, ({ path }) => {
      if (path !== manifest) {
        return undefined;
      }
      const { version }: { version: string } = JSON.parse(readFileSync(manifest, 'utf8'));
      return { contents: JSON.stringify({ version }), loader: 'json', watchFiles: [manifest] };
    });
  },
};

/** The programs of the guard speak English: their reasons are templates without the tag that translates them, which would cost their start. */
const englishReasons: Plugin = {
  name: 'english-reasons',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/](?:lock|package|process|storage)[\\/].+\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8')
        .replace(/^import \{ because \} .*$/m, '')
        .replaceAll('because`', '`'),
      loader: 'ts',
    }));
  },
};

/** What all builds share. */
export const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  sourcesContent: false,
  minify: true,
  legalComments: 'none',
  // jsonc-parser's `main` is UMD, which does not bundle.
  mainFields: ['module', 'main'],
  plugins: [loadedWhenUsed, manifestVersion],
  metafile: true,
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** Command line and extension share most of their code, so they are one build with common pieces. The guard is a build of its own: `protect` copies it, and it starts with each server. */
export type BuildName = 'core' | 'guard' | 'host' | 'relay';

const ownPlugins = [...common.plugins, englishReasons];

/** Modules that these load by `import()` are separate pieces: compiling them costs more than running them, and most starts need few of them. */
const builds: Record<BuildName, BuildOptions> = {
  core: { ...common, entryPoints: { extension: 'src/extension/activate.ts', cli: 'src/cli/main.ts' }, external: ['vscode'] },
  guard: { ...common, entryPoints: { guard: 'src/guard/main.ts' }, plugins: ownPlugins },
  // Loaded by `guard.cjs`. Builds of their own: as pieces of the guard they would split its start further.
  host: { ...common, entryPoints: { host: 'src/host/runHost.ts' }, plugins: ownPlugins },
  relay: { ...common, entryPoints: { relay: 'src/relay/runRelay.ts' }, plugins: ownPlugins },
};
const buildNames = ['core', 'guard', 'host', 'relay'] as const;

/** The program that each build's pieces take for theirs, when they ask for the folder of the programs. */
const programs: Record<BuildName, string> = { core: 'cli', guard: 'guard', host: 'host', relay: 'relay' };

/** The relay in other languages, for machines that have them. */
const relayScripts = ['relay.pl', 'relay.py'];

/** A text of Perl or Python without lines of comment and doc comments, each level indented by one space. */
function withoutComments(text: string): string {
  return text.replace(/^[ \t]*(?:#(?!!).*|""".*"""|)\n/gm, '').replace(/^(?: {4})+/gm, (indent) => ' '.repeat(indent.length / 4));
}

/** The first of two steps: esbuild can split only ES modules. */
function splitOptions(name: BuildName, outdir: string, maps: boolean): BuildOptions {
  return {
    ...builds[name],
    format: 'esm',
    splitting: true,
    outdir,
    outExtension: { '.js': '.cjs' },
    // Core has a hundred pieces, whose names stand four times in what is packaged.
    chunkNames: name === 'core' ? 'core/[hash]' : `${name}/[name]-[hash]`,
    sourcemap: maps && 'inline',
    write: false,
  };
}

/** What is written: a file, and the source map beside it. */
interface Piece {
  readonly path: string;
  readonly code: string;
  readonly map: string | undefined;
}

/** The second step turns each piece into CommonJS, because Node's loader of ES modules takes 7 to 13 ms longer at each start (measured, Node.js 24). */
async function writePieces(name: BuildName, outdir: string, files: readonly OutputFile[], maps: boolean): Promise<void> {
  const pieces: Piece[] = await Promise.all(files.map(async ({ path, text }) => ({ path, ...(await commonJs(name, path, text, maps)) })));
  // Pieces of an earlier build have other names.
  rmSync(join(outdir, name), { recursive: true, force: true });
  if (name === 'core') {
    const { outputFiles: yaml } = await build({
      ...common,
      plugins: [],
      absWorkingDir: import.meta.dirname,
      format: 'cjs',
      entryPoints: ['yaml'],
      outfile: join(outdir, yamlFile),
      write: false,
    });
    for (const { path, text } of yaml) {
      pieces.push({ path, code: maps ? text : await shortened(text), map: undefined });
    }
  }
  if (name === 'relay') {
    mkdirSync(outdir, { recursive: true });
    for (const file of relayScripts) {
      const text = readFileSync(join(import.meta.dirname, 'src', 'relay', file), 'utf8');
      writeFileSync(join(outdir, file), withoutComments(text));
    }
  }
  for (const { path, code, map } of pieces) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, map === undefined ? code : `${code}//# sourceMappingURL=${basename(path)}.map\n`);
    if (map !== undefined) {
      writeFileSync(`${path}.map`, map);
    } else {
      rmSync(`${path}.map`, { force: true });
    }
  }
}

/** What esbuild writes before each piece, so that programs of other builders can require it: 600 bytes in each of 130 files. */
const preamble =
  /^var ([\w$]+)=Object\.defineProperty;var [\w$]+=Object\.getOwnPropertyDescriptor;var [^\n]*?,"__esModule",\{value:!0\}\),[\w$]+\);var ([\w$]+)=\{\};[\w$]+\(\2,\{([^{}]*)\}\);module\.exports=[\w$]+\(\2\);/m;
/** The names of a piece again, for Node's loader of ES modules, which never loads one. */
const namesAgain = /0&&\(module\.exports=\{[^{}]*\}\);(?=\s*$)/;

/** Only our own pieces require a piece, by name: getters are all that they need. Spaces keep the columns that the source map names. */
function withoutPreamble(code: string): string {
  const short = code.replace(preamble, (all: string, _define: string, _exports: string, names: string) => {
    const getters = names.replaceAll(/([\w$]+):\(\)=>([\w$.]+)/g, 'get $1(){return $2}');
    return `module.exports={${getters}};`.padEnd(all.length);
  });
  return short === code ? code : short.replace(namesAgain, '');
}

/** What is packaged passes through terser too: 25 kB less in the packed extension than by esbuild alone. Builds with maps do without it, because it takes 10 s. */
async function shortened(code: string): Promise<string> {
  const { code: short = code } = await minify(code, {
    ecma: 2020,
    toplevel: true,
    compress: { passes: 2, unsafe_methods: false, booleans_as_integers: false, hoist_props: true, keep_fargs: false, pure_getters: false },
    mangle: { toplevel: true },
  });
  return short.endsWith('\n') ? short : `${short}\n`;
}

async function commonJs(name: BuildName, path: string, text: string, maps: boolean): Promise<Omit<Piece, 'path'>> {
  const isEntry = basename(dirname(path)) !== name;
  // Modules use it to find the program's file, not that of the piece.
  const url = importMetaBanner(isEntry ? '__filename' : `require('node:path').join(__dirname, '..', '${programs[name]}.cjs')`);
  const { code, map } = await transform(text, {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    minify: true,
    // `import()` becomes `require`.
    supported: { 'dynamic-import': false },
    define: importMetaUrl,
    banner: [
      ...(basename(path) === `${programs[name]}.cjs` ? ['#!/usr/bin/env node'] : []),
      ...(text.includes('import.meta.url') ? [url] : []),
    ].join('\n'),
    sourcemap: maps && 'external',
    sourcesContent: false,
    sourcefile: path,
    legalComments: 'none',
    logLevel: 'warning',
  });
  const short = withoutPreamble(code);
  return maps ? { code: short, map } : { code: await shortened(short), map: undefined };
}

/**
 * Makes one build: `cli.cjs` and `extension.cjs` with their pieces in `core/`, or `guard.cjs` with its pieces in `guard/`.
 * @returns the sources of each piece; paths of the pieces as in `outdir`, of the sources relative to the project
 */
export async function buildPieces(name: BuildName, outdir: string, maps = false): Promise<Metafile> {
  const folder = resolve(outdir);
  const { outputFiles = [], metafile } = await build({ ...splitOptions(name, folder, maps), absWorkingDir: import.meta.dirname });
  await writePieces(name, folder, outputFiles, maps);
  return metafile ?? { inputs: {}, outputs: {} };
}

/** Builds everything into `dist/`. @param maps for debuggers and coverage */
export async function buildAll(maps = false): Promise<void> {
  const dist = join(import.meta.dirname, 'dist');
  await Promise.all(buildNames.map((name) => buildPieces(name, dist, maps)));
  writeFileSync(join(dist, 'README.md'), packagedReadme(readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')));
}

async function watchAll(): Promise<void> {
  for (const name of buildNames) {
    const outdir = resolve('dist');
    const options = splitOptions(name, outdir, true);
    const secondStep = {
      name: 'pieces',
      setup: ({ onEnd }: PluginBuild) => onEnd(({ outputFiles }) => writePieces(name, outdir, outputFiles ?? [], true)),
    };
    await (await context({ ...options, plugins: [...(options.plugins ?? []), secondStep] })).watch();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await (process.argv.includes('--watch') ? watchAll() : buildAll(process.argv.includes('--maps')));
}
