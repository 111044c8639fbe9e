// Inputs and outputs of examples as people read them.
import { messagesOf, plainText, textOf } from './messages';

/** A text alone as it is, conversations as their words, anything else as JSON. */
export function readable(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  const messages = messagesOf(value);
  if (messages?.every((message) => message.parts.every((part) => part.kind === 'text')))
    return messages.map((message) => `${message.role}: ${plainText(message)}`).join('\n\n');
  if (typeof value === 'object' && !Array.isArray(value)) {
    const texts = Object.entries(value);
    if (texts.length === 1 && typeof texts[0]![1] === 'string') return texts[0]![1];
  }
  return textOf(value);
}

/** The first words, for a line of a list. */
export function firstWords(value: unknown, length = 300): string {
  const text =
    typeof value === 'object' && value !== null && 'input' in value && typeof value.input === 'string'
      ? value.input
      : readable(value);
  return text.replace(/\s+/g, ' ').trim().slice(0, length);
}
