/** Renders a server message from its template and arguments in the reader's language. */
import type { Message } from '../generated/types';

export type Templates = Readonly<Record<string, Readonly<Record<string, string>>>>;

export function renderMessage(message: Message, templates: Templates, language: string): string {
  const template = templates[message.code]?.[language];
  if (template !== undefined) return fill(template, message.arguments ?? {});
  return message.text || message.code;
}

/** The part of Python's format strings that templates use: {name}, {name:,}, {name:.2f}, {name!r}, and doubled braces. */
export function fill(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replace(
    /\{\{|\}\}|\{(\w+)(?:!([rs]))?(?::([^{}]*))?\}/g,
    (whole, name?: string, conversion?: string, spec?: string) => {
      if (name === undefined) return whole.charAt(0);
      const value = values[name];
      if (value === undefined) return whole;
      if (conversion === 'r' && typeof value === 'string') return `'${value}'`;
      return formatted(value, spec ?? '');
    },
  );
}

function formatted(value: string | number, spec: string): string {
  if (typeof value === 'string') return value;
  const [, sign = '', comma = '', digits, type = ''] = /^([+ ]?)(,?)(?:\.(\d+))?([dfge%]?)$/.exec(spec) ?? [];
  const scaled = type === '%' ? value * 100 : value;
  let text = String(scaled);
  if (type === 'f' || type === '%') text = scaled.toFixed(Number(digits ?? 6));
  else if (type === 'e') text = scaled.toExponential(Number(digits ?? 6));
  else if (type === 'g' || digits) text = String(Number(scaled.toPrecision(Number(digits ?? 6) || 1)));
  if (comma) text = text.replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ',');
  return (sign === '+' && value >= 0 ? '+' : '') + text + (type === '%' ? '%' : '');
}
