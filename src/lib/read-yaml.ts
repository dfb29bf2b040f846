import { LineCounter, isMap, isNode, isScalar, parseDocument } from 'yaml';
import { toError } from './to-error.ts';

/** Enough to share a block here and there; an alias bomb needs far more. */
const MAX_ALIASES = 50;

export type YamlReading =
  | {
      ok: true;
      value: unknown;
      /** The line (from 1) of the key that `path` ends in, or of the nearest one above it; `null` when there is none. */
      lineOf(path: readonly PropertyKey[]): number | null;
    }
  | { ok: false; line: number | null; message: string };

/** YAML text → its value, and where in the text each part stands. Costs no more than the size of the text. */
export function readYaml(text: string): YamlReading {
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const [error] = document.errors;
    if (error !== undefined) {
      return { ok: false, line: lines.linePos(error.pos[0]).line, message: error.message };
    }
    const lineOf = (path: readonly PropertyKey[]): number | null => {
      for (let length = path.length; length > 0; length -= 1) {
        const parent = document.getIn(path.slice(0, length - 1), true) ?? document.contents;
        const last = path[length - 1];
        const node = isMap(parent)
          ? parent.items.find(({ key }) => isScalar(key) && key.value === last)?.key
          : document.getIn(path.slice(0, length), true);
        if (isNode(node) && node.range != null) return lines.linePos(node.range[0]).line;
      }
      return null;
    };
    return { ok: true, value: document.toJS({ maxAliasCount: MAX_ALIASES }), lineOf };
  } catch (thrown) {
    // Nesting or aliases beyond all reason: the parser gives up by throwing.
    return { ok: false, line: null, message: toError(thrown).message };
  }
}
