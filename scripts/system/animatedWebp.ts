/** One picture of an animation, in place of a part of the one before. */
export interface AnimationFrame {
  /** Even numbers: the format has no others. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** How long it is shown, ms. */
  readonly ms: number;
  /** A whole WebP file without transparency, as a browser's canvas gives it. */
  readonly webp: Buffer;
}

/**
 * Joins pictures to one animated WebP, which begins again at its end (WebP Container Specification: VP8X, ANIM, ANMF). The browser encodes each picture, but has no
 * encoder of animations.
 */
export function animatedWebp(width: number, height: number, frames: readonly AnimationFrame[]): Buffer {
  const body = Buffer.concat([
    Buffer.from('WEBP'),
    chunk('VP8X', Buffer.concat([Buffer.from([0b10, 0, 0, 0]), uint24(width - 1), uint24(height - 1)])),
    // Background colour, and 0 repeats: without end.
    chunk('ANIM', Buffer.alloc(6)),
    ...frames.map((frame) => {
      const place = [frame.x / 2, frame.y / 2, frame.width - 1, frame.height - 1, frame.ms].map(uint24);
      // Not blended with what is below.
      return chunk('ANMF', Buffer.concat([...place, Buffer.from([0b10]), imageChunk(frame.webp)]));
    }),
  ]);
  return chunk('RIFF', body);
}

function chunk(name: string, data: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(data.length);
  return Buffer.concat([Buffer.from(name), size, data, Buffer.alloc(data.length % 2)]);
}

function uint24(value: number): Buffer {
  const bytes = Buffer.alloc(3);
  bytes.writeUIntLE(value, 0, 3);
  return bytes;
}

/** The chunk with the picture: `VP8 ` or `VP8L`, also behind a `VP8X`. @throws when there is none */
function imageChunk(webp: Buffer): Buffer {
  for (let at = 12; at + 8 <= webp.length; ) {
    const size = webp.readUInt32LE(at + 4);
    if (/^VP8[ L]$/.test(webp.toString('latin1', at, at + 4))) {
      return chunk(webp.toString('latin1', at, at + 4), webp.subarray(at + 8, at + 8 + size));
    }
    at += 8 + size + (size % 2);
  }
  throw new Error('not a WebP picture');
}
