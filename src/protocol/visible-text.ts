/** Escape and the other C0 and C1 controls, and the marks that turn the direction of what follows them. */
const CONTROLS = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;
const LONE_SURROGATES = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * The text with what cannot be seen made visible: an annotator judges what stands there, and nothing in it may act on
 * the screen. Line ends become \n.
 */
export function visibleText(text: string): string {
  return text
    .replace(/\r\n?|\u2028|\u2029|\u0085/g, '\n')
    .replace(CONTROLS, (mark) => nameOf(mark))
    .replace(LONE_SURROGATES, '\ufffd');
}

function nameOf(mark: string): string {
  const code = mark.charCodeAt(0);
  // Unicode has pictures of the C0 controls.
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
}
