import { windowBytes } from './contract.ts';

/** What the client reads. While the client is slow, servers whose lines pass without the host are not read. */
export class ClientOutput {
  readonly #hold: (isHeld: boolean) => void;
  #isHeld = false;

  /** @param hold stops and continues those servers */
  constructor(hold: (isHeld: boolean) => void) {
    this.#hold = hold;
  }

  /** Writes bytes of the host. @param took is called when they were written */
  write(bytes: Buffer, took: () => void): void {
    process.stdout.write(bytes, took);
  }

  /** Writes lines of a server. */
  pass(bytes: Buffer): void {
    process.stdout.write(bytes, () => this.#check());
    this.#check();
  }

  #check(): void {
    const isSlow = process.stdout.writableLength > windowBytes;
    if (isSlow !== this.#isHeld) {
      this.#isHeld = isSlow;
      this.#hold(isSlow);
    }
  }

  /** Resolves when everything was written. */
  written(): Promise<void> {
    return new Promise((resolve) => process.stdout.write('', () => resolve()));
  }
}
