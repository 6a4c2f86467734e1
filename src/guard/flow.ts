import type { Readable, Writable } from 'node:stream';

/**
 * Bytes from one stream to another as they come. The source waits while the sink is full.
 * A sink that nobody reads any more swallows the rest, so that the source's owner can still end.
 * @returns resolves at the end of the source
 */
export function flow(source: Readable, sink: Writable): Promise<void> {
  source.on('data', (chunk: Buffer) => {
    if (sink.writable && !sink.write(chunk)) {
      source.pause();
      sink.once('drain', resume);
      sink.once('close', resume);
    }
  });
  function resume(): void {
    sink.off('drain', resume);
    sink.off('close', resume);
    source.resume();
  }
  return new Promise((resolve) => {
    source.once('end', resolve);
    source.once('close', resolve);
    source.once('error', () => resolve());
  });
}
