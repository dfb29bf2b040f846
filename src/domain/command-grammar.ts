import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';
import { Specialty } from '../contract/identifiers.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import { toOneLine } from '../lib/strip-control.ts';
import { type Priority, PRIORITY_NAMES } from './job.ts';

/** What a person asks for in a line of a comment that begins with `/agent`. */
export type Command =
  | {
      name: 'run';
      /** `null`: to be found from the issue. */
      specialty: string | null;
      agent: string | null;
      model: string | null;
      /** Also where somebody else has an open pull request for the issue. */
      anyway?: true;
      instructions: string | null;
    }
  | {
      name: 'retry';
      specialty: string | null;
      /** As with `run`. */
      anyway?: true;
    }
  | { name: 'cancel' | 'hold' | 'unhold'; specialty: string | null }
  | { name: 'priority'; level: Priority }
  | { name: 'fix'; instructions: string | null }
  | { name: 'status' | 'why' | 'runners' | 'help' };
export type CommandName = Command['name'];

/** `line` counts from 1, in the comment's source. */
export type CommandLine = { line: number; command: Command };

/** What a comment asks for: all of its lines, or, with a mistake in one of them, none. */
export type CommentReading =
  | { kind: 'none' }
  | { kind: 'commands'; lines: CommandLine[] }
  /** `message` tells how to mend it; Markdown that is safe to show. */
  | { kind: 'mistake'; line: number; message: string };

/** Who may use a command: those who may read the repository, or only those who may write to it. */
export const COMMANDS: Readonly<
  Record<CommandName, { usage: string; about: string; needs: 'read' | 'write' }>
> = {
  run: {
    usage: '/agent run [specialty] [--agent NAME] [--model NAME] [--anyway] [-- instructions]',
    about:
      'Start work on this issue. Without a specialty: the one that the issue’s labels name, or that its text is about. `--anyway`: also where somebody has an open pull request for it.',
    needs: 'write',
  },
  cancel: {
    usage: '/agent cancel [specialty]',
    about: 'Stop the work on this issue, of one specialty or all of it.',
    needs: 'write',
  },
  retry: {
    usage: '/agent retry [specialty] [--anyway]',
    about:
      'Start the last job that did not succeed once more, with the same instructions. `--anyway`: as with `run`.',
    needs: 'write',
  },
  status: { usage: '/agent status', about: 'Tell where the work stands.', needs: 'read' },
  why: {
    usage: '/agent why',
    about: 'Tell why it is not running yet: permission, label, settings, budget, runners, queue.',
    needs: 'write',
  },
  hold: {
    usage: '/agent hold [specialty]',
    about: 'Keep a waiting job from being started.',
    needs: 'write',
  },
  unhold: {
    usage: '/agent unhold [specialty]',
    about: 'Let a job on hold go on; it keeps its place in the queue.',
    needs: 'write',
  },
  priority: {
    usage: '/agent priority high|normal|low',
    about: 'Move the waiting work on this issue before or behind others.',
    needs: 'write',
  },
  fix: {
    usage: '/agent fix [instructions]',
    about:
      'On a pull request of Yardmaster: rework it, by the review comments without an answer and these instructions.',
    needs: 'write',
  },
  runners: { usage: '/agent runners', about: 'List the machines that could do the work.', needs: 'write' },
  help: { usage: '/agent help', about: 'Show this list.', needs: 'read' },
};
/** Commands after which a runner may begin: `triggers` of the settings says who may give them. */
export const STARTING_COMMANDS: ReadonlySet<CommandName> = new Set(['run', 'retry', 'fix', 'unhold']);
const NAMES = Object.keys(COMMANDS) as CommandName[];

/** GitHub takes 65,536. What is made to be slow to parse costs the square of its length: 1.1 s was measured for 10,000 characters. */
const MAX_COMMENT_CHARACTERS = 6000;
/** Without the transforms, which look for addresses in the finished tree: nobody needs them here, and deep nesting makes them fail. */
const MDAST_EXTENSIONS = gfmFromMarkdown().map((extension) => ({ ...extension, transforms: [] }));
const MAX_COMMANDS = 10;
const MAX_INSTRUCTIONS_CHARACTERS = 4000;
/** Names of agents and models become arguments of command lines, so none begins with a dash. */
const NAME = /^[a-z0-9][\w.:/@[\]-]{0,99}$/i;
const COMMAND_START = /^[ \t]{0,3}\/agent(?=\s|$)/i;
const MAYBE_COMMAND = /^[ \t]{0,3}\/agent(?=\s|$)/im;

type RunOptions = Pick<Extract<Command, { name: 'run' }>, 'agent' | 'model' | 'anyway'>;
type Line = { line: number; text: string };
type Result = { ok: true; command: Command } | { ok: false; message: string };

/**
 * The commands in a comment's Markdown: lines that begin with `/agent` in a paragraph of its own, in any case. What stands in a quote, a
 * list, code or HTML is no command. Instructions after `--` reach to the end of the paragraph, or to the next command in it.
 */
export function parseComment(markdown: string): CommentReading {
  if (!MAYBE_COMMAND.test(markdown)) return { kind: 'none' };
  if (markdown.length > MAX_COMMENT_CHARACTERS) {
    return mistake(
      1,
      'The comment is too long to be read for commands. Put the command into a comment of its own.',
    );
  }
  const found = toCommandTexts(markdown);
  const [first] = found;
  if (first === undefined) return { kind: 'none' };
  if (found.length > MAX_COMMANDS) {
    return mistake(
      first.line,
      `A comment may hold at most ${MAX_COMMANDS} commands, and this one has ${found.length}.`,
    );
  }
  const lines: CommandLine[] = [];
  for (const { line, text } of found) {
    const result = parseCommand(text);
    if (!result.ok) return mistake(line, result.message);
    lines.push({ line, command: result.command });
  }
  return { kind: 'commands', lines };
}

function mistake(line: number, message: string): CommentReading {
  return { kind: 'mistake', line, message };
}

/** Each command with what belongs to it, without its `/agent`. */
function toCommandTexts(markdown: string): Line[] {
  const root = fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: MDAST_EXTENSIONS });
  return root.children.flatMap((node) => {
    if (node.type !== 'paragraph' || node.position === undefined) return [];
    const texts = node.children.flatMap((child) =>
      child.type === 'text' && child.position !== undefined ? [child.position] : [],
    );
    const isText = (offset: number) =>
      texts.some(({ start, end }) => (start.offset ?? 0) <= offset && offset < (end.offset ?? 0));

    const commands: Line[] = [];
    let offset = node.position.start.offset ?? 0;
    let line = node.position.start.line;
    for (const text of markdown.slice(offset, node.position.end.offset).split(/\r\n|\n|\r/)) {
      const indent = text.length - text.trimStart().length;
      const last = commands.at(-1);
      if (COMMAND_START.test(text) && isText(offset + indent)) {
        commands.push({ line, text: text.replace(COMMAND_START, '') });
      } else if (last !== undefined) {
        last.text += `\n${text}`;
      }
      offset += text.length;
      offset += markdown.startsWith('\r\n', offset) ? 2 : 1;
      line += 1;
    }
    return commands;
  });
}

function parseCommand(text: string): Result {
  const [firstLine = '', ...rest] = text.split('\n');
  const [given, ...words] = firstLine.trim().split(/\s+/);
  if (given === undefined || given === '') return accept({ name: 'help' });
  const name = NAMES.find((known) => known === given.toLowerCase());
  if (name === undefined) return refuse(explainUnknown(given));

  switch (name) {
    case 'run':
      return parseRun(words, firstLine, rest);
    case 'fix': {
      const instructions = toInstructions(firstLine.trim().slice(given.length), rest);
      if (instructions === '') return accept({ name, instructions: null });
      return checkInstructions(instructions) ?? accept({ name, instructions });
    }
    case 'priority': {
      const level = PRIORITY_NAMES.find((known) => known === words[0]?.toLowerCase());
      if (level === undefined || words.length !== 1) {
        return refuse(
          `\`priority\` takes one of ${PRIORITY_NAMES.map((known) => `\`${known}\``).join(', ')}: \`${COMMANDS.priority.usage}\``,
        );
      }
      return accept({ name, level });
    }
    case 'retry':
      return parseRetry(words);
    case 'cancel':
    case 'hold':
    case 'unhold': {
      const [specialty, surplus] = words;
      if (surplus !== undefined) return refuse(explainSurplus(name, surplus));
      if (specialty === undefined) return accept({ name, specialty: null });
      return toSpecialty(specialty, (parsed) => ({ name, specialty: parsed }));
    }
    case 'status':
    case 'why':
    case 'runners':
    case 'help':
      return words[0] === undefined ? accept({ name }) : refuse(explainSurplus(name, words[0]));
    default:
      return name satisfies never;
  }
}

function parseRetry(words: readonly string[]): Result {
  const plain = words.map(toPlainDashes);
  const unknown = plain.find((word) => word.startsWith('-') && !isAnyway(word));
  if (unknown !== undefined) {
    return refuse(`There is no option ${quote(unknown)}; \`retry\` takes \`--anyway\` only.`);
  }
  const anyway = plain.some(isAnyway) ? ({ anyway: true } as const) : {};
  const [specialty, surplus] = plain.filter((word) => !isAnyway(word));
  if (surplus !== undefined) return refuse(explainSurplus('retry', surplus));
  if (specialty === undefined) return accept({ name: 'retry', specialty: null, ...anyway });
  return toSpecialty(specialty, (parsed) => ({ name: 'retry', specialty: parsed, ...anyway }));
}

function isAnyway(word: string): boolean {
  return word.toLowerCase() === '--anyway';
}

function parseRun(words: readonly string[], firstLine: string, rest: readonly string[]): Result {
  let specialty: string | null = null;
  const options: RunOptions = { agent: null, model: null };
  for (let at = 0; at < words.length; at += 1) {
    const word = toPlainDashes(words[at] ?? '');
    if (word === '--') {
      const instructions = toInstructions(firstLine.replace(/^.*?\s(?:--|[–—])(?=\s|$)/, ''), rest);
      if (instructions === '') return refuse('After `--` the instructions for the agent are missing.');
      const tooLong = checkInstructions(instructions);
      return tooLong ?? toRun(specialty, options, instructions);
    }
    if (word.startsWith('-')) {
      const [, flag = '', inline] = /^(--?[^=]*)(?:=(.*))?$/.exec(word) ?? [];
      const option = (['agent', 'model'] as const).find((known) => flag.toLowerCase() === `--${known}`);
      if (isAnyway(word)) {
        options.anyway = true;
        continue;
      }
      if (option === undefined) return refuse(explainOption(flag));
      const value = inline ?? words[(at += 1)];
      if (value === undefined || value === '' || value.startsWith('-')) {
        return refuse(`\`--${option}\` needs a name: \`--${option} NAME\``);
      }
      if (!NAME.test(value))
        return refuse(`${quote(value)} can’t be the name of ${option === 'agent' ? 'an agent' : 'a model'}.`);
      options[option] = value;
    } else if (specialty === null) {
      specialty = word;
    } else {
      return refuse(
        `${quote(word)} is one word too many. Instructions for the agent come after \`--\`: \`/agent run ${toName(specialty)} -- …\``,
      );
    }
  }
  return toRun(specialty, options, null);
}

function toRun(specialty: string | null, options: RunOptions, instructions: string | null): Result {
  const build = (parsed: string | null): Command => ({
    name: 'run',
    specialty: parsed,
    ...options,
    instructions,
  });
  return specialty === null ? accept(build(null)) : toSpecialty(specialty, build);
}

function toSpecialty(word: string, build: (specialty: string) => Command): Result {
  const parsed = Specialty.safeParse(word.toLowerCase());
  return parsed.success
    ? accept(build(parsed.data))
    : refuse(`${quote(word)} can’t be a specialty; write it as \`backend\`.`);
}

/** Telephones make one long dash of two short ones. */
function toPlainDashes(word: string): string {
  return word.replace(/^[–—]/, '--');
}

function toInstructions(first: string, rest: readonly string[]): string {
  return [first, ...rest].join('\n').trim();
}

function checkInstructions(instructions: string): Result | null {
  if (instructions.length <= MAX_INSTRUCTIONS_CHARACTERS) return null;
  return refuse(
    `The instructions have ${instructions.length} characters; at most ${MAX_INSTRUCTIONS_CHARACTERS} are taken. Put the details into the issue.`,
  );
}

function explainUnknown(given: string): string {
  const meant = didYouMean(given, NAMES);
  if (meant !== null) return `There is no command ${quote(given)}. Did you mean \`/agent ${meant}\`?`;
  const asSpecialty = Specialty.safeParse(given.toLowerCase());
  const hint = asSpecialty.success
    ? ` To start work by a specialty, write \`/agent run ${asSpecialty.data}\`.`
    : '';
  return `There is no command ${quote(given)}.${hint} Known: ${NAMES.map((name) => `\`${name}\``).join(', ')}.`;
}

function explainOption(flag: string): string {
  const meant = didYouMean(flag, ['--agent', '--model', '--anyway']);
  return meant === null
    ? `There is no option ${quote(flag)}; \`run\` takes \`--agent NAME\`, \`--model NAME\`, \`--anyway\`, and instructions after \`--\`.`
    : `There is no option ${quote(flag)}. Did you mean \`${meant}\`?`;
}

function explainSurplus(name: CommandName, word: string): string {
  return `${quote(word)} is one word too many: \`${COMMANDS[name].usage}\``;
}

/** Somebody else's word as a code span: without whatever could end it, ping or link. */
function quote(word: string): string {
  return `\`${toName(word)}\``;
}

function toName(word: string): string {
  const plain = toOneLine(word, 60).replace(/[^\w.:/=-]/g, '');
  return plain === '' ? '…' : plain.replace(/www\.|:\/\//gi, ' ');
}

function accept(command: Command): Result {
  return { ok: true, command };
}

function refuse(message: string): Result {
  return { ok: false, message };
}
