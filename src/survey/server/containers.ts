import { moment } from '../../diagnosis/wording.ts';
import type { Finding, FindingAction } from '../../model/finding.ts';
import type { ProcessRow } from '../../model/process.ts';
import { observedLaunch } from '../../process/commandline/parseLaunch.ts';
import { askDocker, type DockerAnswer, type RunDocker, runDocker } from '../../process/dockerImages.ts';

/** What is known of the container behind a `docker run`. */
export interface ContainerSight {
  readonly finding?: Finding;
  readonly unknown?: string;
  /** Milliseconds until an answer may be there. */
  readonly askAgainIn?: number;
}

/** Asked again after this long. */
const freshMs = 60_000;
const pendingMs = 200;
/** The daemon starts the container this much later than its client; an image that has to be fetched first is not matched. */
const startMs = 10_000;

/**
 * The images of the containers behind servers that run as `docker run …`. The command is asked in the background: a look at the machine never waits for it.
 * Compared is the image that the container was made from with the one that its name leads to now; after a pull the container keeps the old one.
 */
export class Containers {
  readonly #run: RunDocker;
  readonly #images = new Set<string>();
  #answer: DockerAnswer | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking = false;

  constructor(run: RunDocker = runDocker) {
    this.#run = run;
  }

  /** @returns undefined when the server is no container @param now epoch ms */
  sight(row: ProcessRow, cure: readonly FindingAction[], now: number): ContainerSight | undefined {
    const launch = observedLaunch(row);
    const image = launch.launcher === 'docker' && !row.argv.includes('exec') ? launch.target : undefined;
    if (image === undefined || image.startsWith('-')) {
      return undefined;
    }
    const fresh = !this.#images.has(image);
    this.#images.add(image);
    if (!this.#asking && (fresh || now - this.#askedAt > freshMs)) {
      this.#ask(now);
    }
    const answer = this.#answer;
    if (answer === undefined || (this.#asking && fresh)) {
      return { unknown: 'it runs in a container; docker is being asked about it', askAgainIn: pendingMs };
    }
    return 'unknown' in answer ? { unknown: `it runs in a container, and ${answer.unknown}` } : compare(row, image, answer, cure, now);
  }

  allChanged(): void {
    this.#askedAt = Number.NEGATIVE_INFINITY;
  }

  #ask(now: number): void {
    this.#asking = true;
    this.#askedAt = now;
    askDocker(this.#run, [...this.#images]).then(
      (answer) => {
        this.#answer = answer;
        this.#asking = false;
      },
      () => {
        this.#asking = false;
      },
    );
  }
}

function compare(
  row: ProcessRow,
  image: string,
  answer: Exclude<DockerAnswer, { unknown: string }>,
  cure: readonly FindingAction[],
  now: number,
): ContainerSight {
  const near = answer.containers.filter(
    (one) => one.image === image && one.startedAt > row.startedAt - 1_000 && one.startedAt < row.startedAt + startMs,
  );
  const [container] = near;
  const current = answer.images.get(image);
  if (!container || near.length > 1) {
    return { unknown: `it runs in a container of ${image}, ${container ? 'one of several' : 'none'} that docker shows for that time` };
  }
  if (current === undefined) {
    return { unknown: `it runs in a container, and docker does not know where ${image} leads now` };
  }
  if (current === container.imageId) {
    return {};
  }
  return {
    finding: {
      kind: 'respawn-differs',
      confidence: 'proven',
      message: `a restart would start another image of ${image}`,
      evidence: [
        `runs since ${moment(row.startedAt, now)} (PID ${row.pid}) as container ${container.id.slice(0, 12)}, made from image ${shortId(container.imageId)}`,
        `${image} leads to image ${shortId(current)} now; a container keeps the image that it was made from`,
      ],
      since: new Date(now).toISOString(),
      actions: cure,
    },
  };
}

function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}
