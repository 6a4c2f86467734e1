import { t } from '../../base/language/translate.ts';
import { sinceField } from '../../diagnosis/evidence.ts';
import { moment } from '../../diagnosis/wording.ts';
import type { Finding, FindingAction } from '../../model/finding.ts';
import type { ProcessRow } from '../../model/process.ts';
import { observedLaunch } from '../../process/commandline/parseLaunch.ts';
import { askDocker, type DockerAnswer, type RunDocker, runDocker } from '../../process/dockerImages.ts';

/** The container behind a `docker run`, as far as it is known. */
interface ContainerState {
  readonly finding?: Finding;
  readonly unknown?: string;
  /** Milliseconds until docker may have answered. */
  readonly askAgainIn?: number;
}

/** docker is asked again after this long. */
const freshMs = 60_000;
const pendingMs = 200;
/** The daemon starts the container at most this long after its client; a container whose image is downloaded first is not matched. */
const startMs = 10_000;

/**
 * The images of containers that servers started with `docker run …` use. docker is asked in the background, so that no scan waits for it. The image that the
 * container was made from is compared with the image of that name now: after a pull the container keeps the old one.
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

  /** @returns undefined when the server is not started by docker @param now epoch ms */
  current(row: ProcessRow, actions: readonly FindingAction[], now: number): ContainerState | undefined {
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
      return { unknown: t('it runs in a container; docker is being asked about it'), askAgainIn: pendingMs };
    }
    return 'unknown' in answer
      ? { unknown: t('it runs in a container, and {0}', answer.unknown) }
      : compare(row, image, answer, actions, now);
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
  actions: readonly FindingAction[],
  now: number,
): ContainerState {
  const near = answer.containers.filter(
    (one) => one.image === image && one.startedAt > row.startedAt - 1_000 && one.startedAt < row.startedAt + startMs,
  );
  const [container] = near;
  const current = answer.images.get(image);
  if (!container || near.length > 1) {
    return {
      unknown: container
        ? t('it runs in a container of {0}, and docker lists several started at that time', image)
        : t('it runs in a container of {0}, and docker lists none started at that time', image),
    };
  }
  if (current === undefined) {
    return { unknown: t('it runs in a container, and docker has no image named {0} now', image) };
  }
  if (current === container.imageId) {
    return {};
  }
  return {
    finding: {
      kind: 'respawn-differs',
      confidence: 'proven',
      message: t('a restart would start another image of {0}', image),
      evidence: [
        t(
          'runs since {0} (PID {1}) as container {2}, made from image {3}',
          moment(row.startedAt, now),
          row.pid,
          container.id.slice(0, 12),
          shortId(container.imageId),
        ),
        t('{0} leads to image {1} now; a container keeps the image that it was made from', image, shortId(current)),
      ],
      ...sinceField(undefined, now),
      actions,
    },
  };
}

function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}
