import { because } from '../base/language/because.ts';
import { programOnPath, runProgram } from '../base/runProgram.ts';

/** One running container. */
interface RunningContainer {
  readonly id: string;
  /** Id of the image that it was created from. */
  readonly imageId: string;
  /** The image as named on the command line. */
  readonly image: string;
  /** Epoch ms. */
  readonly startedAt: number;
}

export type DockerAnswer =
  | {
      readonly containers: readonly RunningContainer[];
      /** Id that an image's name has now, by name. */
      readonly images: ReadonlyMap<string, string>;
    }
  | { readonly unknown: string };

/** Runs the docker command. Rejects when it cannot be started, fails or exceeds the time limit. */
export type RunDocker = (args: readonly string[], timeoutMs: number) => Promise<string>;

/** A daemon that takes longer counts as absent. */
const answerMs = 1_000;
const maxContainers = 50;
const containerFormat = '{{.Id}}\t{{.Image}}\t{{.Config.Image}}\t{{.State.StartedAt}}';

/** The docker command from PATH. */
export const runDocker: RunDocker = async (args, limitMs) => {
  const docker = programOnPath('docker', process.env, process.platform);
  if (docker === undefined) {
    throw new Error('failed');
  }
  return runProgram(docker, args, { limitMs });
};

/** Asks docker for the images of the running containers, and for the present ids of `images`, within a second in all. Changes nothing. Never rejects. */
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
    return { unknown: because`docker did not answer within a second (no daemon, or no permission to ask it)` };
  }
}

function containerOf(line: string): RunningContainer[] {
  const [id, imageId, image, started] = line.split('\t');
  const startedAt = Date.parse(started ?? '');
  return id && imageId && image && Number.isFinite(startedAt) ? [{ id, imageId, image, startedAt }] : [];
}
