#!/usr/bin/env node
// Brings the real VS Code to a machine that has only Node, npm and apt: the workbench and extension host out
// of the npm package `code-server`, one Node binary beside it, and Debian's chromium as the window.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { STUBS } from './stubs.mjs';

const SERVER_VERSION = '4.139.1';
const NODE_VERSION = '24.21.0';
const RIPGREP_VERSION = '1.18.0';
/** What the server loads at start; the rest of its 160 dependencies serves features that tests never reach. */
const KEPT_DEPENDENCIES = [
  '@microsoft/1ds-core-js',
  '@microsoft/1ds-post-js',
  '@parcel/watcher',
  '@vscode/deviceid',
  '@vscode/iconv-lite-umd',
  '@vscode/proxy-agent',
  '@vscode/tree-sitter-wasm',
  '@vscode/vscode-languagedetection',
  '@xterm/addon-clipboard',
  '@xterm/addon-image',
  '@xterm/addon-ligatures',
  '@xterm/addon-progress',
  '@xterm/addon-search',
  '@xterm/addon-serialize',
  '@xterm/addon-unicode11',
  '@xterm/addon-webgl',
  '@xterm/headless',
  '@xterm/xterm',
  'cookie',
  'http-proxy-agent',
  'https-proxy-agent',
  'jschardet',
  'katex',
  'minimist',
  'node-pty',
  'undici',
  'vscode-oniguruma',
  'vscode-regexpp',
  'vscode-textmate',
  'ws',
  'yauzl',
  'yazl',
];
const DROPPED_EXTENSIONS = /^(copilot|mermaid-markdown-features|microsoft-authentication|ms-vscode\..*)$/;

const root = join(import.meta.dirname, '..', '..');
/** Where everything that tests download is cached; ignored by git and left out of the package. */
export const cacheFolder = join(root, '.vscode-test');
/** The folder of the code-server host: `node` and `vscode/` lie in it. */
export const hostFolder = join(cacheFolder, `vscode-server-${SERVER_VERSION}-${process.arch}`);

/** @returns {boolean} whether this machine can run the code-server host */
export function hostSupported() {
  return process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64');
}

/**
 * Installs the code-server host unless it is there. Half an install is never seen: the folder is made under
 * another name and renamed at the end.
 * @param {(line: string) => void} [log]
 * @returns {string} the host's folder
 * @throws {Error} on a platform without prebuilt binaries, or when npm fails
 */
export function installHost(log = console.error) {
  if (existsSync(join(hostFolder, 'vscode', 'out', 'server-main.js'))) return hostFolder;
  if (!hostSupported())
    throw new Error(
      `There is no code-server host for ${process.platform}-${process.arch}. Connect this machine to the network, so that desktop VS Code can be downloaded.`,
    );
  log(`installing the VS Code host (code-server ${SERVER_VERSION}) into .vscode-test`);
  mkdirSync(cacheFolder, { recursive: true });
  const work = mkdtempSync(join(cacheFolder, '.installing-'));
  try {
    const downloads = join(work, 'downloads');
    const vscode = join(work, 'vscode');
    for (const folder of [downloads, vscode]) mkdirSync(folder);
    const nodePackage = `node-linux-${process.arch}`;
    npm(
      [
        'pack',
        '--silent',
        '--pack-destination',
        downloads,
        `code-server@${SERVER_VERSION}`,
        `${nodePackage}@${NODE_VERSION}`,
      ],
      work,
    );
    untar(join(downloads, `${nodePackage}-${NODE_VERSION}.tgz`), work, ['--strip-components=2', 'package/bin/node']);
    untar(join(downloads, `code-server-${SERVER_VERSION}.tgz`), vscode, [
      '--strip-components=3',
      '--exclude=*.map',
      '--exclude=package/lib/vscode/extensions/copilot/*',
      'package/lib/vscode',
    ]);
    prune(vscode);
    npm(
      [
        'install',
        '--ignore-scripts',
        '--omit=dev',
        '--omit=optional',
        '--no-audit',
        '--no-fund',
        '--no-package-lock',
        '--silent',
      ],
      vscode,
    );
    replaceNativeModules(vscode, downloads);
    rmSync(downloads, { recursive: true, force: true });
    try {
      renameSync(work, hostFolder);
    } catch (error) {
      // Another process installed it meanwhile: its folder is as good as ours.
      if (!existsSync(join(hostFolder, 'vscode', 'out', 'server-main.js'))) throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return hostFolder;
}

/** @param {string} vscode */
function prune(vscode) {
  for (const name of readdirSync(join(vscode, 'extensions')))
    if (DROPPED_EXTENSIONS.test(name)) rmSync(join(vscode, 'extensions', name), { recursive: true });
  // With the shrinkwrap in place npm would install all of it.
  rmSync(join(vscode, 'npm-shrinkwrap.json'), { force: true });
  const manifest = JSON.parse(readFileSync(join(vscode, 'package.json'), 'utf8'));
  const dependencies = Object.fromEntries(
    KEPT_DEPENDENCIES.filter((name) => manifest.dependencies[name]).map((name) => [name, manifest.dependencies[name]]),
  );
  dependencies[`@parcel/watcher-linux-${process.arch}-glibc`] = '^2.5.6';
  const { name, version, type } = manifest;
  writeFileSync(join(vscode, 'package.json'), JSON.stringify({ name, version, private: true, type, dependencies }));
  const productFile = join(vscode, 'product.json');
  const product = JSON.parse(readFileSync(productFile, 'utf8'));
  delete product.extensionsGallery;
  product.builtInExtensions = [];
  writeFileSync(productFile, JSON.stringify(product));
}

/**
 * Four modules need a compiler or ship every platform; ours are small enough to stand here.
 * @param {string} vscode
 * @param {string} downloads
 */
function replaceNativeModules(vscode, downloads) {
  const modules = join(vscode, 'node_modules', '@vscode');
  for (const [name, source] of Object.entries(STUBS)) {
    const folder = join(modules, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'index.js'), source);
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name: `@vscode/${name}`, version: '0.0.0', main: 'index.js' }),
    );
  }
  const ripgrep = join(modules, 'ripgrep-universal');
  rmSync(ripgrep, { recursive: true, force: true });
  mkdirSync(ripgrep, { recursive: true });
  npm(['pack', '--silent', '--pack-destination', downloads, `@vscode/ripgrep-universal@${RIPGREP_VERSION}`], downloads);
  untar(join(downloads, `vscode-ripgrep-universal-${RIPGREP_VERSION}.tgz`), ripgrep, ['--strip-components=1']);
  for (const name of readdirSync(join(ripgrep, 'bin')))
    if (name !== `linux-${process.arch}`) rmSync(join(ripgrep, 'bin', name), { recursive: true });
  const prebuilds = join(vscode, 'node_modules', 'node-pty', 'prebuilds');
  if (existsSync(prebuilds))
    for (const name of readdirSync(prebuilds))
      if (name !== `linux-${process.arch}`) rmSync(join(prebuilds, name), { recursive: true });
}

/**
 * @param {string[]} args
 * @param {string} cwd
 */
function npm(args, cwd) {
  // npm's own variables would make the inner npm believe that it runs in the outer project.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^npm_(?!config_(registry|cache|userconfig))/i.test(key)),
  );
  const script = process.env.npm_execpath;
  const [command, first] = script?.endsWith('.js') ? [process.execPath, [script]] : ['npm', []];
  execFileSync(command, [...first, ...args], { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] });
}

/**
 * @param {string} archive
 * @param {string} folder
 * @param {string[]} args
 */
function untar(archive, folder, args) {
  execFileSync('tar', ['-xzf', archive, '-C', folder, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Where browsers of the Chromium family usually are, most wanted first. */
function chromiumCandidates() {
  const {
    CHROMIUM,
    PROGRAMFILES = 'C:\\Program Files',
    LOCALAPPDATA = join(homedir(), 'AppData', 'Local'),
  } = process.env;
  const fixed = {
    linux: [
      '/usr/bin/chromium',
      '/usr/bin/chromium-browser',
      '/usr/bin/google-chrome',
      '/usr/bin/google-chrome-stable',
      '/usr/bin/microsoft-edge',
    ],
    darwin: [
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
      '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
    ],
    win32: [
      join(PROGRAMFILES, 'Google', 'Chrome', 'Application', 'chrome.exe'),
      join(LOCALAPPDATA, 'Google', 'Chrome', 'Application', 'chrome.exe'),
      join(`${PROGRAMFILES} (x86)`, 'Microsoft', 'Edge', 'Application', 'msedge.exe'),
    ],
  };
  return [CHROMIUM, ...(fixed[/** @type {'linux'} */ (process.platform)] ?? [])].filter((path) => path !== undefined);
}

/** @returns {string | undefined} the path of a browser, when one is installed */
export function findChromium() {
  return chromiumCandidates().find((path) => existsSync(path));
}

/** What the user types where we may not install it ourselves. */
const APT = 'apt-get update && apt-get install -y --no-install-recommends chromium libvulkan1';

/**
 * Finds a browser; as root on a Debian it installs one.
 * @param {(line: string) => void} [log]
 * @returns {string} the browser's path
 * @throws {Error} naming the one command to run
 */
export function installChromium(log = console.error) {
  const found = findChromium();
  if (found) return found;
  const debian = process.platform === 'linux' && existsSync('/usr/bin/apt-get');
  if (debian && process.getuid?.() === 0) {
    log('installing chromium with apt-get');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const result = spawnSync('/bin/sh', ['-c', APT.replaceAll('apt-get', 'apt-get -qq')], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const installed = findChromium();
    if (installed) return installed;
    throw new Error(`apt-get could not install chromium:\n${result.stderr.slice(-2000)}`);
  }
  throw new Error(
    debian
      ? `The tests drive VS Code in a browser and found none. Run: sudo sh -c '${APT}'`
      : 'The tests drive VS Code in a browser and found none. Install Chromium or Chrome, or set CHROMIUM to its path.',
  );
}

/** Both of them, as `node test/host/install.mjs` does. */
if (import.meta.url === pathToFileURL(process.argv[1] ?? tmpdir()).href) {
  console.log(installHost());
  console.log(installChromium());
}
