import { defaultText } from './checks/value';
import type { KeySpec } from './schema/meta';

/** What completion and hover show about a key, as markdown. */
export function keyMarkdown(spec: KeySpec): string {
  const lines = [spec.doc, '', `**Value:** ${spec.expects}`];
  if (spec.required) lines.push('', '**Required**');
  else lines.push('', `**Default:** ${defaultMarkdown(spec)}`);
  if (spec.usual) lines.push('', `**Usual range:** ${spec.usual[0]} to ${spec.usual[1]}`);
  if (spec.aliases?.length)
    lines.push('', `**Elsewhere called:** ${spec.aliases.map((name) => `\`${name}\``).join(', ')}`);
  return lines.join('\n');
}

/** The default and its source: `` `2.0e-5` (TRL) ``. */
export function defaultMarkdown(spec: KeySpec): string {
  const text = defaultText(spec);
  const shown = spec.defaultText === undefined && text !== 'none' ? `\`${text}\`` : text;
  return spec.source === undefined ? shown : `${shown} (${spec.source})`;
}
