import { asRecord } from '../../base/json.ts';
import { compareVersions } from '../../version/compareVersions.ts';
import { isPythonName, normalizePythonName } from '../../version/pythonSpec.ts';
import { versionShaped } from '../../version/versionShape.ts';
import { getBelow, Unreachable } from '../httpGet.ts';
import type { IndexTarget } from '../indexRoute.ts';
import { plainTag } from '../npm/npmRegistry.ts';
import { type Candidate, type KnownAnswer, type RegistryAnswer, refusedAnswer } from '../registryAnswer.ts';

/** JSON where the index supports it (PEP 691), else HTML (PEP 503). */
const accepted = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1';

/** Only so many of the newest versions are kept. */
const mostCandidates = 40;

/** A page with more is not judged: sorting 200,000 versions takes seconds, in which the editor's extension host does nothing else. */
const [mostFiles, mostVersions] = [50_000, 10_000];

/** Of one version; where its files name more, any Python counts as allowed. */
const mostRanges = 100;

/** One file of a project's page. */
interface IndexFile {
  readonly name: string;
  readonly yanked: boolean;
  readonly requires?: string;
}

/** Asks a Python index for the versions of a distribution. Yanked files are ignored. */
export async function askSimpleIndex(
  target: IndexTarget,
  name: string,
  known: KnownAnswer | undefined,
  signal: AbortSignal,
): Promise<RegistryAnswer> {
  if (!isPythonName(name)) {
    return { status: 'unusable', reason: 'its name is not valid' };
  }
  const project = normalizePythonName(name);
  try {
    const headers = { accept: accepted, ...(known?.etag === undefined ? {} : { 'if-none-match': known.etag }) };
    const answer = await getBelow(target, `${project}/`, headers, signal);
    if (answer.status === 304 && known) {
      return { status: 'found', ...known };
    }
    if (answer.status !== 200) {
      return answer.status === 404 || answer.status === 410 ? { status: 'absent' } : refusedAnswer(answer.status);
    }
    const files = /json/i.test(answer.headers['content-type'] ?? '') ? jsonFiles(answer.body) : htmlFiles(answer.body);
    if (!files) {
      return { status: 'unusable', reason: 'its page cannot be read' };
    }
    const candidates = candidatesOf(files, project);
    if (!candidates) {
      return { status: 'unusable', reason: `its page lists more than ${mostFiles} files or ${mostVersions} versions` };
    }
    const { etag } = answer.headers;
    return { status: 'found', candidates, ...(plainTag(etag) ? { etag } : {}) };
  } catch (error) {
    if (error instanceof Unreachable) {
      return { status: 'unreachable', reason: error.message };
    }
    throw error;
  }
}

/** Undefined when it is not a page of version 1 of the interface. */
export function jsonFiles(text: string): readonly IndexFile[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const page = asRecord(json);
  const api = asRecord(page?.meta)?.['api-version'];
  if (!page || !Array.isArray(page.files) || (typeof api === 'string' && !/^1\./.test(api))) {
    return undefined;
  }
  return page.files
    .slice(0, mostFiles + 1)
    .map(asRecord)
    .flatMap((file) => {
      const requires = file?.['requires-python'];
      // `yanked` is true or the reason for it.
      const yanked = file?.yanked !== undefined && file.yanked !== false && file.yanked !== null;
      return typeof file?.filename === 'string'
        ? [{ name: file.filename, yanked, ...(typeof requires === 'string' && requires !== '' ? { requires } : {}) }]
        : [];
    });
}

/** Undefined when it is not such a page: a login form, an error. */
export function htmlFiles(text: string): readonly IndexFile[] | undefined {
  const files: IndexFile[] = [];
  // Attributes also end at a `<` (PEP 503 escapes it), so that a page with many unclosed tags is not read once for each of them.
  for (const [, attributes = '', label = ''] of text.matchAll(/<a\b([^<>]*)>([^<]*)<\/a\s*>/gi)) {
    if (files.length > mostFiles) {
      break;
    }
    const requires = /\bdata-requires-python\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(attributes);
    const range = unescaped(requires?.[1] ?? requires?.[2] ?? '').trim();
    files.push({
      name: unescaped(label).trim(),
      yanked: /\bdata-yanked\b/i.test(attributes),
      ...(range === '' ? {} : { requires: range }),
    });
  }
  return files.length > 0 || /pypi:repository-version/i.test(text) ? files : undefined;
}

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
}

/** The newest versions; undefined when the page lists more than are judged. @param project normalised name */
export function candidatesOf(files: readonly IndexFile[], project: string): Candidate[] | undefined {
  if (files.length > mostFiles) {
    return undefined;
  }
  const versions = new Map<string, Set<string> | 'any'>();
  for (const file of files) {
    const version = file.yanked || file.name.length > 300 ? undefined : fileVersion(file.name, project);
    if (version !== undefined) {
      const before = versions.get(version);
      if (file.requires === undefined || file.requires.length > 200 || before === 'any' || before?.size === mostRanges) {
        versions.set(version, 'any');
      } else {
        versions.set(version, (before ?? new Set()).add(file.requires));
      }
    }
  }
  if (versions.size > mostVersions) {
    return undefined;
  }
  const readable = [...versions].filter(([version]) => compareVersions('python', version, '0') !== 'unknown');
  return readable
    .sort(([a], [b]) => Number(compareVersions('python', b, a)))
    .slice(0, mostCandidates)
    .map(([version, requires]) => ({ version, ...(requires === 'any' ? {} : { requires: [...requires] }) }));
}

/** The version in the name of a wheel or source archive; the package's name before it has several spellings. */
export function fileVersion(file: string, project: string): string | undefined {
  const wheel = /^([^-]+)-([^-]+)(?:-\d[^-]*)?-[^-]+-[^-]+-[^-]+\.whl$/.exec(file);
  if (wheel) {
    return normalizePythonName(wheel[1] ?? '') === project ? versionShaped(wheel[2]?.replaceAll('_', '-')) : undefined;
  }
  const stem = /^(.*)\.(?:tar\.gz|zip|tar\.bz2|tgz)$/.exec(file)?.[1];
  for (let at = stem?.indexOf('-') ?? -1; stem !== undefined && at > 0; at = stem.indexOf('-', at + 1)) {
    if (normalizePythonName(stem.slice(0, at)) === project) {
      return versionShaped(stem.slice(at + 1));
    }
  }
  return undefined;
}
