import type { ClientId } from '../model/definition.ts';

/** VS Code and what was made from it, by where the program lies (forward slashes). The last one is what is left. */
const families: readonly { readonly id: ClientId; readonly path: RegExp }[] = [
  { id: 'cursor', path: /\/cursor(\.app|\.exe)?(\/|$)|\.cursor-server\// },
  { id: 'windsurf', path: /\/windsurf(-next)?(\.app|\.exe)?(\/|$)|\.windsurf-server\// },
  { id: 'antigravity', path: /\/antigravity(\.app|\.exe)?(\/|$)|\.antigravity-server\// },
  { id: 'kiro', path: /\/kiro(\.app)?\/|\.kiro-server\// },
  { id: 'trae', path: /\/trae( cn)?(\.app)?\/|\.trae-server\// },
  { id: 'vscode-insiders', path: /code-insiders|code - insiders|vs ?code insiders|\.vscode-server-insiders\// },
  { id: 'vscodium', path: /vscodium|\/codium\b/ },
  { id: 'code-server', path: /\/code-server\b/ },
];

/** The variants of VS Code proper: they read the same project files and restart servers by the same commands. */
const vscodeVariants: ReadonlySet<ClientId> = new Set(['vscode', 'vscode-insiders', 'vscodium', 'code-server']);

/** Whether a client is VS Code itself in one of its variants (not Cursor and the like). */
export function isVscode(id: ClientId): boolean {
  return vscodeVariants.has(id);
}

/** Which relative of VS Code lies at this path; plain VS Code when the path names no other. */
export function familyAt(path: string): ClientId {
  const text = path.replaceAll('\\', '/').toLowerCase();
  return families.find((family) => family.path.test(text))?.id ?? 'vscode';
}
