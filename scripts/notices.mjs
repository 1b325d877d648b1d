// The licences of everything that the package ships or has bundled: THIRD_PARTY_NOTICES.md.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Serve only onnxruntime-node's install script, and are neither bundled nor shipped. */
const INSTALL_ONLY = new Set(['adm-zip', 'global-agent', '@types/node']);

/**
 * Finds an installed package as Node would, from the folder of the package that asks for it.
 * @param {string} name
 * @param {string} from
 * @returns {string | undefined} its folder
 */
function locate(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * @param {string} root the folder with package.json and node_modules
 * @returns {string} Markdown: one section a package, with its licence text
 */
export function thirdPartyNotices(root) {
  /** @type {Map<string, { name: string, version: string, license: string, text: string }>} */
  const packages = new Map();
  const visit = (/** @type {string} */ folder) => {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    if (folder !== root) {
      const id = `${manifest.name}@${manifest.version}`;
      if (packages.has(id)) return;
      const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)(\.|-|$)/i.test(name));
      const license =
        typeof manifest.license === 'object' ? manifest.license.type : (manifest.license ?? 'see the text');
      const text = file ? readFileSync(join(folder, file), 'utf8').trim() : '';
      packages.set(id, { name: manifest.name, version: manifest.version, license, text });
    }
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
      if (INSTALL_ONLY.has(name)) continue;
      const dependency = locate(name, folder);
      // An optional package of another platform is not installed and not shipped.
      if (dependency) visit(dependency);
    }
  };
  visit(root);
  const sections = [...packages.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, version, license, text }) => {
      const body = text ? `\n\`\`\`text\n${text.replaceAll('```', "'''")}\n\`\`\`\n` : '';
      return `## ${name} ${version}\n\nLicence: ${license}\n${body}`;
    });
  return `# Third-party notices\n\nAlignment Lab ships or contains parts of the following packages.\n\n${sections.join('\n')}`;
}
