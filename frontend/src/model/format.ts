/** Numbers as people read them: thousands separators, signs, units, and never more digits than mean something. */

type Maybe = number | null | undefined;

const MINUS = '−';
const NONE = '–';

/** A no-break space between number and unit. */
const NBSP = '\u00a0';

export function integer(value: Maybe): string {
  return isNumber(value) ? grouped(Math.round(value)) : NONE;
}

/** Three significant digits, in plain notation where that is short and in scientific where it is not. */
export function significant(value: Maybe, digits = 3): string {
  if (!isNumber(value)) return NONE;
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3)
    return value
      .toExponential(digits - 1)
      .replace('e+', 'e')
      .replaceAll('-', MINUS);
  if (size >= 10 ** digits) return grouped(Math.round(value));
  return value.toPrecision(digits).replace('-', MINUS);
}

export function milliseconds(value: Maybe): string {
  if (!isNumber(value)) return NONE;
  if (value >= 1000) return `${(value / 1000).toFixed(value >= 10_000 ? 0 : 1)}${NBSP}s`;
  return `${value >= 10 ? value.toFixed(0) : value.toFixed(value >= 0.095 ? 1 : 2)}${NBSP}ms`;
}

export function microseconds(value: Maybe): string {
  return isNumber(value) ? `${value >= 100 ? grouped(Math.round(value)) : significant(value)}${NBSP}µs` : NONE;
}

/** A change in per cent, signed; "±0 %" where it rounds away. */
export function change(before: Maybe, after: Maybe): string {
  if (!isNumber(before) || !isNumber(after) || before === 0) return '';
  const percent = ((after - before) / before) * 100;
  const text = Math.abs(percent) >= 9.95 ? Math.abs(percent).toFixed(0) : Math.abs(percent).toFixed(1);
  if (Number(text) === 0) return `±0${NBSP}%`;
  return `${percent > 0 ? '+' : MINUS}${grouped(Number(text), text.includes('.') ? 1 : 0)}${NBSP}%`;
}

export function share(value: Maybe): string {
  if (value === 0) return `0${NBSP}%`;
  return isNumber(value) ? `${(value * 100).toFixed(value >= 0.0995 ? 0 : 1)}${NBSP}%` : NONE;
}

export function bytes(value: Maybe): string {
  if (!isNumber(value)) return NONE;
  if (value < 1024) return `${grouped(value)}${NBSP}B`;
  if (value < 1024 ** 2) return `${trimmed(value / 1024)}${NBSP}KiB`;
  if (value < 1024 ** 3) return `${trimmed(value / 1024 ** 2)}${NBSP}MiB`;
  return `${trimmed(value / 1024 ** 3)}${NBSP}GiB`;
}

function trimmed(value: number): string {
  return value >= 100 ? grouped(Math.round(value)) : value.toFixed(1).replace(/\.0$/, '');
}

function grouped(value: number, fraction = 0): string {
  return value
    .toLocaleString('en-US', { minimumFractionDigits: fraction, maximumFractionDigits: fraction })
    .replace('-', MINUS);
}

function isNumber(value: Maybe): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
