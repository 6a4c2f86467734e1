import type { IncomingMessage } from 'node:http';

/** After its time a body has to have come with this mean rate, bytes a second: less is no upload, it only keeps a connection and memory. */
const slowest = 1_024;

/**
 * Watches how fast a client sends its body. Only the time counts in which it could send: while the server does not take what is here already, nothing is asked of the client.
 * @param limitMs time for any body
 * @returns ends the watch
 */
export function watchPace(request: IncomingMessage, limitMs: number, tooSlow: () => void): () => void {
  const { socket } = request;
  const before = socket.bytesRead;
  let readingMs = 0;
  let timer: NodeJS.Timeout;
  const arm = (ms: number): void => {
    timer = setTimeout(() => {
      if (request.complete || socket.destroyed) {
        return;
      }
      readingMs += request.isPaused() ? 0 : ms;
      const missing = limitMs + ((socket.bytesRead - before) * 1_000) / slowest - readingMs;
      missing <= 0 ? tooSlow() : arm(Math.min(missing, limitMs));
    }, ms).unref();
  };
  arm(limitMs);
  return () => clearTimeout(timer);
}
