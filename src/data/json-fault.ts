/** Where a text stops being JSON, and why. */
export interface JsonFault {
  /** Index of the UTF-16 unit at which reading fails; the text's length when it ends too early. */
  index: number;
  message: string;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPES = '"\\/bfnrtu';

/**
 * Finds the first fault of a text that JSON.parse refused. JSON.parse itself gives no position that holds over Node's
 * versions. A stack of our own instead of recursion, so that deep nesting cannot overflow. Null when the text is JSON.
 */
export function findJsonFault(text: string): JsonFault | null {
  const open: ('{' | '[')[] = [];
  let at = 0;
  const blank = () => {
    while (at < text.length && ' \t\n\r'.includes(text[at])) at++;
  };
  const ended = (inside: string): JsonFault => ({ index: text.length, message: `the text ends inside ${inside}` });
  const inside = () => (open.at(-1) === '{' ? 'an object' : open.length ? 'an array' : 'the value');

  const string = (): JsonFault | null => {
    const start = at;
    for (at++; at < text.length; at++) {
      const char = text[at];
      if (char === '"') {
        at++;
        return null;
      }
      if (char < ' ') {
        return { index: at, message: `a ${nameOf(char)} inside a string must be written as an escape` };
      }
      if (char !== '\\') continue;
      at++;
      if (at >= text.length) break;
      if (!ESCAPES.includes(text[at])) return { index: at - 1, message: `\\${text[at]} is no JSON escape` };
      if (text[at] === 'u' && !/^[0-9a-fA-F]{4}$/.test(text.slice(at + 1, at + 5))) {
        return at + 5 > text.length ? ended('a string') : { index: at - 1, message: '\\u wants four hex digits' };
      }
    }
    return { index: text.length, message: `the string that starts at column ${start + 1} is not closed` };
  };

  /** A key and its colon. */
  const key = (): JsonFault | null => {
    blank();
    if (at >= text.length) return ended('an object');
    if (text[at] !== '"') {
      const quote = text[at] === "'" ? ' (JSON knows double quotes only)' : '';
      return { index: at, message: `a key in double quotes is expected, not ${nameOf(text[at])}${quote}` };
    }
    const fault = string();
    if (fault) return fault;
    blank();
    if (at >= text.length) return ended('an object');
    if (text[at] !== ':') return { index: at, message: `":" is expected after the key, not ${nameOf(text[at])}` };
    at++;
    return null;
  };

  for (;;) {
    blank();
    if (at >= text.length) return ended(inside());
    const char = text[at];
    if (char === '{' || char === '[') {
      open.push(char);
      at++;
      blank();
      if (text[at] !== (char === '{' ? '}' : ']')) {
        if (char === '{') {
          const fault = key();
          if (fault) return fault;
        }
        continue;
      }
    } else if (char === '"') {
      const fault = string();
      if (fault) return fault;
    } else {
      const word = /[a-zA-Z]*/y;
      word.lastIndex = at;
      const letters = word.exec(text)?.[0] ?? '';
      NUMBER.lastIndex = at;
      const number = NUMBER.exec(text)?.[0] ?? '';
      if (letters === 'true' || letters === 'false' || letters === 'null') at += letters.length;
      else if (number) at += number.length;
      else if (letters && at + letters.length === text.length && /^(t|tr|tru|f|fa|fal|fals|n|nu|nul)$/.test(letters)) {
        return ended('a word');
      } else if (char === '-' && at + 1 >= text.length) return ended('a number');
      else
        return { index: at, message: `a value is expected, not ${letters || nameOf(char)}${valueHint(letters, char)}` };
    }
    // After a value: close what ends here, go on after a comma.
    for (;;) {
      blank();
      if (open.length === 0) {
        return at >= text.length ? null : { index: at, message: `the value is complete before ${nameOf(text[at])}` };
      }
      if (at >= text.length) return ended(inside());
      const top = open[open.length - 1];
      if (text[at] === (top === '{' ? '}' : ']')) {
        open.pop();
        at++;
        continue;
      }
      if (text[at] !== ',') {
        return { index: at, message: `"," or "${top === '{' ? '}' : ']'}" is expected, not ${nameOf(text[at])}` };
      }
      at++;
      if (top === '{') {
        const fault = key();
        if (fault) return fault;
      }
      break;
    }
  }
}

function valueHint(letters: string, char: string): string {
  if (char === "'") return ' (JSON knows double quotes only)';
  if (/^(True|False|None|NaN|Infinity|undefined)$/.test(letters)) return ' (JSON writes true, false and null)';
  return '';
}

function nameOf(char: string): string {
  if (char === '\n' || char === '\r') return 'line break';
  if (char === '\t') return 'tab';
  if (char < ' ') return `control character 0x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  return `"${char}"`;
}
