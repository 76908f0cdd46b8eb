/** Numbers as text. */
import { expect, it } from 'vitest';
import { bytes, change, integer, microseconds, milliseconds, share, significant } from './format';

const plain = (text: string) => text.replaceAll('\u00a0', ' ');

it.each([
  [integer(1234567), '1,234,567'],
  [integer(null), '–'],
  [change(100, 62), '−38 %'],
  [change(1000, 1005), '+0.5 %'],
  [change(1000, 1000), '±0 %'],
  [change(100_000, 100_001), '±0 %'],
  [change(10, 250), '+2,400 %'],
  [change(null, 5), ''],
  [significant(2.98e-8), '2.98e−8'],
  [significant(-0.0123), '−0.0123'],
  [significant(1234.5), '1,235'],
  [significant(Number.NaN), '–'],
  [milliseconds(0.04), '0.04 ms'],
  [milliseconds(3.14), '3.1 ms'],
  [milliseconds(41.3), '41 ms'],
  [milliseconds(2345), '2.3 s'],
  [microseconds(20.333), '20.3 µs'],
  [microseconds(1234.5), '1,235 µs'],
  [share(0.474), '47 %'],
  [share(0.034), '3.4 %'],
  [bytes(196608), '192 KiB'],
  [bytes(5_695_052), '5.4 MiB'],
  [bytes(100), '100 B'],
])('%s is %s', (text, expected) => expect(plain(text)).toBe(expected));
