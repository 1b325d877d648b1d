import { ROLES, type Message } from './rows';

/** A prompt that a file held, where each of its messages has a role that this code knows; else undefined. */
export function knownPrompt(
  prompt: string | readonly { readonly role: string; readonly content: string }[],
): string | Message[] | undefined {
  if (typeof prompt === 'string') return prompt;
  const messages = prompt.flatMap(({ role, content }): Message[] => {
    const known = ROLES.find((name) => name === role);
    return known === undefined ? [] : [{ role: known, content }];
  });
  return messages.length === prompt.length ? messages : undefined;
}
