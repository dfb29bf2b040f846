import type { Command } from '../contract/command-run.ts';

/** `fix` says what to write instead. */
export type CommandLineReading = { ok: true; command: Command } | { ok: false; message: string; fix: string };

const SHELL_ONLY: readonly { pattern: RegExp; what: string }[] = [
  { pattern: /^(?:&&|\|\||[|;&])/, what: 'joins commands' },
  { pattern: /^(?:<|>)/, what: 'redirects input or output' },
  { pattern: /^(?:\$\(|`)/, what: 'runs a command inside a command' },
  { pattern: /^\$[A-Za-z_{]/, what: 'stands for a variable' },
  { pattern: /^\*/, what: 'stands for file names' },
];
/** What a shell would still act on between double quotes. */
const ACTIVE_IN_QUOTES = /^(?:\$\(|`|\$[A-Za-z_{])/;

/**
 * Splits a line such as `pytest -k "a b"` into program and arguments. Single quotes, double quotes and backslashes
 * mean what they mean in a shell; everything else that needs a shell is refused, since commands are run without one.
 */
export function splitCommandLine(line: string): CommandLineReading {
  if (/[\r\n]/.test(line)) return refuse('a command is one line', 'use a list of commands');
  const command: string[] = [];
  let word: string | null = null;
  let rest = line;
  while (rest !== '') {
    const [first = ''] = rest;
    if (/\s/.test(first)) {
      if (word !== null) command.push(word);
      word = null;
      rest = rest.slice(1);
      continue;
    }
    const piece = readPiece(rest);
    if (!piece.ok) return piece;
    word = (word ?? '') + piece.text;
    rest = rest.slice(piece.length);
  }
  if (word !== null) command.push(word);
  return checkProgram(command, line);
}

type Piece = { ok: true; text: string; length: number } | (CommandLineReading & { ok: false });

/** The next quoted string, escaped character or plain character. */
function readPiece(rest: string): Piece {
  const shellOnly = SHELL_ONLY.find(({ pattern }) => pattern.test(rest));
  if (shellOnly !== undefined) return refuseShell(rest, shellOnly.what);
  if (rest.startsWith("'")) {
    const end = rest.indexOf("'", 1);
    if (end === -1) return refuse("a ' is never closed", "close it, or escape it as \\'");
    return { ok: true, text: rest.slice(1, end), length: end + 1 };
  }
  if (rest.startsWith('"')) return readDoubleQuoted(rest);
  if (rest.startsWith('\\')) {
    if (rest.length === 1) return refuse('it ends in a \\', 'remove it, or write \\\\');
    return { ok: true, text: rest.slice(1, 2), length: 2 };
  }
  return { ok: true, text: rest.slice(0, 1), length: 1 };
}

function readDoubleQuoted(rest: string): Piece {
  let text = '';
  for (let at = 1; at < rest.length; at += 1) {
    const character = rest.charAt(at);
    if (character === '"') return { ok: true, text, length: at + 1 };
    if (ACTIVE_IN_QUOTES.test(rest.slice(at)))
      return refuseShell(rest.slice(at), 'would be replaced by a shell');
    if (character === '\\' && /["\\$`]/.test(rest.charAt(at + 1))) at += 1;
    text += rest.charAt(at);
  }
  return refuse('a " is never closed', 'close it, or escape it as \\"');
}

function checkProgram(command: string[], line: string): CommandLineReading {
  const [program] = command;
  if (program === undefined) return refuse('it is empty', 'name a command, or remove it');
  if (command.includes('')) return refuse('it has an empty argument', 'leave the empty quotes out');
  if (/^[A-Za-z_]\w*=/.test(program)) {
    return refuse(`\`${program}\` sets a variable, which needs a shell`, `write \`env ${line.trim()}\``);
  }
  return { ok: true, command };
}

function refuseShell(rest: string, what: string): CommandLineReading & { ok: false } {
  const sign = /^(?:&&|\|\||\$\(|\$\{|.)/.exec(rest)?.[0] ?? rest;
  return refuse(
    `\`${sign}\` ${what}; commands run without a shell`,
    "use a list of commands, or put '…' around it if it is meant literally",
  );
}

function refuse(message: string, fix: string): CommandLineReading & { ok: false } {
  return { ok: false, message, fix };
}
