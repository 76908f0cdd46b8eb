/** Light highlighting of MLIR text: values, symbols, types, op names, strings, numbers, comments. */
import { StreamLanguage, type StringStream } from '@codemirror/language';

const TOKENS: readonly (readonly [RegExp, string | null])[] = [
  [/^\s+/, null],
  [/^\/\/.*/, 'comment'],
  [/^"(?:[^"\\]|\\.)*"/, 'string'],
  [/^%[\w$.#-]+/, 'variableName'],
  [/^@[\w$.-]+|^@"[^"]*"/, 'variableName.function'],
  [/^\^\w+/, 'labelName'],
  [/^#[\w.]+/, 'meta'],
  [/^!?(?:tensor|memref|vector|tuple|!tt\.ptr)(?=<)|^!\w[\w.]*/, 'typeName'],
  [/^(?:[su]?i\d+|bf16|f\d+\w*|index|none)\b/, 'typeName'],
  [/^-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)(?![\w])/, 'number'],
  [/^(?:true|false|dense|unit)\b/, 'bool'],
  [/^[a-zA-Z_]\w*(?:\.[a-zA-Z_]\w*)+/, 'keyword'],
  [/^(?:module|func|loc|return|attributes|iter_args|to|step|else|ins|outs)\b/, 'keyword'],
  [/^[a-zA-Z_][\w$]*/, null],
];

function token(stream: StringStream): string | null {
  for (const [pattern, style] of TOKENS) if (stream.match(pattern)) return style;
  stream.next();
  return null;
}

export const mlir = StreamLanguage.define({ name: 'mlir', token, languageData: { commentTokens: { line: '//' } } });
