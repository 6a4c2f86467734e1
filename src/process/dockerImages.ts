import { execFile } from 'node:child_process';

/** One running container. */
interface RunningContainer {
  readonly id: string;
  /** Of the image that it was made from. */
  readonly imageId: string;
  /** The image as it was asked for. */
  readonly image: string;
  /** Epoch ms. */
  readonly startedAt: number;
}

export type DockerAnswer =
  | {
      readonly containers: readonly RunningContainer[] /** By the image as asked for: what that name leads to now. */;
      readonly images: ReadonlyMap<string, string>;
    }
  | { readonly unknown: string };

/** Runs the command; rejects when it cannot be started, fails or is not done within the time. */
export type RunDocker = (args: readonly string[], timeoutMs: number) => Promise<string>;

/** A daemon that does not answer by then is taken for none. */
const answerMs = 1_000;
const maxContainers = 50;
const containerFormat = '{{.Id}}\t{{.Image}}\t{{.Config.Image}}\t{{.State.StartedAt}}';

/** The machine's own command, by PATH. */
export const runDocker: RunDocker = (args, timeoutMs) =>
  new Promise((resolve, reject) => {
    const options = {
      timeout: timeoutMs,
      killSignal: 'SIGKILL' as const,
      windowsHide: true,
      encoding: 'utf8' as const,
      maxBuffer: 1024 * 1024,
    };
    execFile('docker', [...args], options, (error, stdout) =>
      error ? reject(new Error(error.killed ? 'no answer' : 'failed')) : resolve(stdout),
    );
  });

/** Asks docker which images the running containers were made from, and where the names of `images` lead now: within a second in all, or not at all. Changes nothing. */
export async function askDocker(run: RunDocker, images: readonly string[]): Promise<DockerAnswer> {
  const until = performance.now() + answerMs;
  const ask = (...args: readonly string[]): Promise<string> => run(args, Math.max(1, Math.round(until - performance.now())));
  try {
    const ids = (await ask('ps', '--no-trunc', '--quiet')).split(/\s+/).filter((id) => /^[0-9a-f]{12,64}$/.test(id));
    const listed = ids.length === 0 ? '' : await ask('inspect', '--format', containerFormat, ...ids.slice(0, maxContainers));
    const found = new Map<string, string>();
    for (const image of images) {
      const id = (await ask('image', 'inspect', '--format', '{{.Id}}', '--', image)).trim();
      if (/^sha256:[0-9a-f]{64}$/.test(id)) {
        found.set(image, id);
      }
    }
    return { containers: listed.split('\n').flatMap(containerOf), images: found };
  } catch {
    return { unknown: 'docker did not answer within a second (no daemon, or no permission to ask it)' };
  }
}

function containerOf(line: string): RunningContainer[] {
  const [id, imageId, image, started] = line.split('\t');
  const startedAt = Date.parse(started ?? '');
  return id && imageId && image && Number.isFinite(startedAt) ? [{ id, imageId, image, startedAt }] : [];
}
