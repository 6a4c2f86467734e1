// In place of the native module @vscode/spdlog, which is not compiled here. Without it VS Code writes no logs, and every output channel of an extension stays empty.
const { appendFileSync, mkdirSync } = require('node:fs');
const { dirname } = require('node:path');

const names = ['trace', 'debug', 'info', 'warning', 'error', 'critical'];
const methods = ['trace', 'debug', 'info', 'warn', 'error', 'critical'];

class Logger {
  #file;
  #level = 2;
  #plain = false;

  constructor(_type, _name, file) {
    this.#file = file;
    mkdirSync(dirname(file), { recursive: true });
    for (const [level, method] of methods.entries()) {
      this[method] = (message) => this.#write(level, message);
    }
  }

  #write(level, message) {
    if (level < this.#level) {
      return;
    }
    const time = new Date().toISOString().replace('T', ' ').replace('Z', '');
    try {
      appendFileSync(this.#file, this.#plain ? message : `${time} [${names[level]}] ${message}\n`);
    } catch {
      // The folder was removed at the end of a test: there is no reader left.
    }
  }

  getLevel() {
    return this.#level;
  }

  setLevel(level) {
    this.#level = level;
  }

  /** The texts bring their own line breaks. */
  clearFormatters() {
    this.#plain = true;
  }

  setPattern() {
    this.#plain = false;
  }

  flush() {}

  drop() {}
}

const create = async (name, file) => new Logger('rotating', name, file);
// One by one: an ES module sees only the names that are set in this way.
exports.version = 0;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.Logger = Logger;
exports.createRotatingLogger = create;
exports.createAsyncRotatingLogger = create;
