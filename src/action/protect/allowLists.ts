import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../base/json.ts';

/** One rule of an administrator's list: a server by its exact command and arguments. */
export interface CommandRule {
  readonly list: 'allowed' | 'denied';
  readonly words: readonly string[];
  readonly file: string;
}

/**
 * Reads the rules out of a parsed settings file: `allowedMcpServers` and `deniedMcpServers` of Claude Code, `chat.mcp.allowedServers` and
 * `chat.mcp.deniedServers` of VS Code, also under the names that policies use. Rules by name or address do not concern the command and are left out.
 */
export function commandRules(settings: unknown, file: string): CommandRule[] {
  return Object.entries(isRecord(settings) ? settings : {}).flatMap(([key, value]) => {
    const list = /mcp/i.test(key) ? /(allowed|denied)(mcp)?servers$/i.exec(key)?.[1]?.toLowerCase() : undefined;
    if (list !== 'allowed' && list !== 'denied') {
      return [];
    }
    return listOf(value).flatMap((rule): CommandRule[] => {
      const words = isRecord(rule) ? wordsOf(rule) : undefined;
      return words ? [{ list, words, file }] : [];
    });
  });
}

/** Policies hold lists as JSON text. */
function listOf(value: unknown): readonly unknown[] {
  if (typeof value === 'string') {
    try {
      return listOf(JSON.parse(value));
    } catch {
      return [];
    }
  }
  return Array.isArray(value) ? value : [];
}

/** The rule of either list that names exactly these words. */
export function ruleFor(rules: readonly CommandRule[], list: CommandRule['list'], words: readonly string[]): CommandRule | undefined {
  return rules.find((rule) => rule.list === list && isDeepStrictEqual(rule.words, words));
}

function wordsOf(rule: Readonly<Record<string, unknown>>): readonly string[] | undefined {
  const command = rule.serverCommand ?? rule.command;
  const words = typeof command === 'string' ? [command, ...(Array.isArray(rule.args) ? rule.args : [])] : command;
  return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : undefined;
}
