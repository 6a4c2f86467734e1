import { asRecord } from '../../base/json.ts';
import { isNpmName } from '../../version/npmSpec.ts';
import { versionShaped } from '../../version/versionShape.ts';
import { type GetAnswer, getBelow, Unreachable } from '../httpGet.ts';
import type { IndexTarget } from '../indexRoute.ts';
import { type Candidate, type KnownAnswer, type RegistryAnswer, refusedAnswer } from '../registryAnswer.ts';

/** The form of a package's document that npm itself asks for when it installs. */
const abbreviated = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8';

/**
 * Asks an npm registry for the version of a tag: by the list of tags, a few bytes; where the registry has none, by the tag's manifest; else by the package's
 * document. A deprecated version is not a candidate.
 *
 * @param tag `latest`, `next` …
 */
export async function askNpm(
  target: IndexTarget,
  name: string,
  tag: string,
  known: KnownAnswer | undefined,
  signal: AbortSignal,
): Promise<RegistryAnswer> {
  if (!isNpmName(name) || !/^[A-Za-z][\w.-]{0,63}$/.test(tag)) {
    return { status: 'unusable', reason: 'its name is not valid' };
  }
  const path = name.replace('/', '%2f');
  const get = (suffix: string, headers: Record<string, string> = {}): Promise<GetAnswer> =>
    getBelow(target, suffix, { accept: 'application/json', ...headers }, signal);
  try {
    const tags = await get(`-/package/${path}/dist-tags`, known?.etag === undefined ? {} : { 'if-none-match': known.etag });
    if (tags.status === 304 && known) {
      // The version is the same as before. Whether it was deprecated since is in another document.
      const [candidate] = known.candidates;
      return candidate && (await isDeprecated(get, path, candidate.version)) ? found(undefined, known.etag) : { status: 'found', ...known };
    }
    if (tags.status === 200) {
      const version = versionShaped(record(tags.body)?.[tag]);
      if (version === undefined) {
        return { status: 'unusable', reason: 'its list of tags cannot be read' };
      }
      return found((await isDeprecated(get, path, version)) ? undefined : { version }, tags.headers.etag);
    }
    return [401, 403].includes(tags.status) || tags.status >= 500 ? refusedAnswer(tags.status) : await askDocuments(get, path, tag);
  } catch (error) {
    if (error instanceof Unreachable) {
      return { status: 'unreachable', reason: error.message };
    }
    throw error;
  }
}

type Get = (suffix: string, headers?: Record<string, string>) => Promise<GetAnswer>;

/** For registries without the list of tags. */
async function askDocuments(get: Get, path: string, tag: string): Promise<RegistryAnswer> {
  const manifest = await get(`${path}/${tag}`);
  const one = manifest.status === 200 ? record(manifest.body) : undefined;
  if (versionShaped(one?.version) !== undefined) {
    return found(candidateOf(one));
  }
  const whole = await get(path, { accept: abbreviated });
  if (whole.status !== 200) {
    return whole.status === 404 ? { status: 'absent' } : refusedAnswer(whole.status);
  }
  const document = record(whole.body);
  const version = versionShaped(asRecord(document?.['dist-tags'])?.[tag]);
  if (version === undefined) {
    return { status: 'unusable', reason: 'its document cannot be read' };
  }
  return found(candidateOf({ ...asRecord(asRecord(document?.versions)?.[version]), version }));
}

/** Whether a version is deprecated; false when the registry does not answer. */
async function isDeprecated(get: Get, path: string, version: string): Promise<boolean> {
  const manifest = await get(`${path}/${version}`);
  return manifest.status === 200 && candidateOf({ ...record(manifest.body), version }) === undefined;
}

function candidateOf(manifest: Record<string, unknown> | undefined): Candidate | undefined {
  const version = versionShaped(manifest?.version);
  const { deprecated } = manifest ?? {};
  const takenBack = deprecated === true || (typeof deprecated === 'string' && deprecated !== '');
  return version === undefined || takenBack ? undefined : { version };
}

function found(candidate: Candidate | undefined, etag?: string): RegistryAnswer {
  return { status: 'found', candidates: candidate ? [candidate] : [], ...(plainTag(etag) ? { etag } : {}) };
}

/** Whether a text is a valid entity tag, so that it can be sent back as a header. */
export function plainTag(etag: string | undefined): etag is string {
  return etag !== undefined && /^(W\/)?"[\x21\x23-\x7e]{0,200}"$/.test(etag);
}

function record(text: string): Record<string, unknown> | undefined {
  try {
    return asRecord(JSON.parse(text));
  } catch {
    return undefined;
  }
}
