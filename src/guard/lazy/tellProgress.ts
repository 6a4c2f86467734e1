import { singleLine } from '../../base/singleLine.ts';
import { notificationLine } from '../message/ownAnswers.ts';
import type { MessageWriter } from '../relay/messageWriter.ts';

/** Time between two messages, ms. */
const progressMs = 5_000;

/** Tells a request that waits for its server how long it has waited, until `isOver`. The values stay below 1, so that the server's own progress can follow. */
export function tellProgress(client: MessageWriter, progressToken: string | number, name: string, isOver: () => boolean): void {
  const begun = performance.now();
  const tell = (): void => {
    if (isOver()) {
      clearInterval(timer);
      return;
    }
    const seconds = Math.round((performance.now() - begun) / 1_000);
    const message = `starting ${singleLine(name, 100)}${seconds > 0 ? `, ${seconds} s` : ''}`;
    client.add(notificationLine('notifications/progress', { progressToken, progress: seconds / 1_000_000, message }));
    client.flush();
  };
  const timer = setInterval(tell, progressMs);
  timer.unref();
  tell();
}
