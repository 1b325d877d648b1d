// Stand-ins for modules of VS Code's server that need a compiler and that tests do not need.

/** Appends to the log file. Its exports stand one by one, since the server imports them as ESM names. */
const spdlog = `
const fs = require('fs');
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'critical', 'off'];
class Logger {
  constructor(name, file) { this.file = file; this.level = 2; }
  getLevel() { return this.level; }
  setLevel(level) { this.level = level; }
  setPattern() {}
  clearFormatters() {}
  flush() {}
  drop() {}
  write(level, message) {
    if (level < this.level || !this.file) return;
    try { fs.appendFileSync(this.file, message.endsWith('\\n') ? message : message + '\\n'); } catch {}
  }
}
LEVELS.forEach((name, level) => { Logger.prototype[name] = function (message) { this.write(level, String(message)); }; });
const create = async (name, file) => new Logger(name, file);
exports.version = 0;
exports.Logger = Logger;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.shutdown = () => {};
exports.createRotatingLogger = create;
exports.createAsyncRotatingLogger = create;
`;

const nativeWatchdog = `exports.start = () => {};\n`;

const copyFile = `
const fs = require('fs');
exports.copyFile = (from, to) => fs.promises.copyFile(from, to);
exports.cp = (from, to) => fs.promises.cp(from, to, { recursive: true });
exports.isCloneSupported = () => false;
`;

/** Folder under node_modules/@vscode → its index.js. */
export const STUBS = { spdlog, 'native-watchdog': nativeWatchdog, 'fs-copyfile': copyFile };
