import type { RawDefinition } from '../types/definition.ts';
import type { ProcessDetail } from '../types/process.ts';
import { type MatchResult, matchDefinitions } from './matching.ts';
import type { MatchContext, ObservedServer } from './observedServer.ts';

interface Remembered {
  readonly definitions: readonly RawDefinition[];
  readonly circumstances: string;
  readonly match: MatchResult;
}

/** By what was read of the process: a detail that is read anew is compared anew. */
const matches = new WeakMap<ProcessDetail, Remembered>();

/** The comparison of one server with every entry is the dearest part of a survey, and comes out the same while neither has changed. */
export function rememberedMatch(observed: ObservedServer, definitions: readonly RawDefinition[], context: MatchContext): MatchResult {
  const { server, launchers, client, npxPackages, detail } = observed;
  const circumstances = JSON.stringify([server.commandLine, launchers.map((row) => row.commandLine), client, npxPackages]);
  const known = detail && matches.get(detail);
  if (known && known.definitions === definitions && known.circumstances === circumstances) {
    return known.match;
  }
  const match = matchDefinitions(observed, definitions, context);
  if (detail) {
    matches.set(detail, { definitions, circumstances, match });
  }
  return match;
}
