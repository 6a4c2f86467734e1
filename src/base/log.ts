/** Where the core reports what it did. The extension gives its log channel, the command line gives stderr. Texts must be redacted by the caller. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** A log that keeps nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
