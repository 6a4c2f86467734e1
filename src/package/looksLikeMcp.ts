import type { InstalledPackage, PackageRef } from '../model/package.ts';
import { normalizePythonName } from '../version/pythonSpec.ts';

/** Libraries that MCP servers are built on, by ecosystem; Python names normalised. */
const sdks: Readonly<Record<PackageRef['ecosystem'], ReadonlySet<string>>> = {
  npm: new Set([
    '@modelcontextprotocol/sdk',
    '@modelcontextprotocol/server',
    '@modelcontextprotocol/core',
    'fastmcp',
    'mcp-framework',
    'mcp-lite',
    '@mastra/mcp',
    'xmcp',
    'mcp-handler',
    'tmcp',
  ]),
  python: new Set(['mcp', 'fastmcp', 'mcp-types', 'fastapi-mcp', 'mcpadapt', 'modelcontextprotocol']),
};

/**
 * Whether a package looks like an MCP server although no configuration names it: it requires a library that such servers are built on, or its name has `mcp`
 * as a word. Enough to list a process, never to act on it: clients require the same libraries.
 */
export function looksLikeMcp(ref: PackageRef, packages: readonly InstalledPackage[]): boolean {
  if (
    ref.name
      .toLowerCase()
      .split(/[^a-z0-9]+/)
      .includes('mcp') ||
    ref.name.startsWith('@modelcontextprotocol/')
  ) {
    return true;
  }
  return packages.some((item) => sdks[item.ecosystem].has(item.ecosystem === 'python' ? normalizePythonName(item.name) : item.name));
}
