import { Buffer } from 'node:buffer';

const MASK = '***';

/** Shorter values are left alone: masking every `ab` would make logs unreadable and hide nothing. */
const MIN_SECRET_LENGTH = 6;

/** Tokens that tell by their shape what they are, whoever they belong to. */
const SECRET_SHAPES = [
  /gh[oprsu]_[\w.-]{20,}/g,
  /github_pat_\w{20,}/g,
  /sk-ant-[\w-]{10,}/g,
  // Keys of runners and tokens to enrol them.
  /ym[kt]_[\w-]{40,}/g,
  /(?:AKIA|ASIA)[0-9A-Z]{16}/g,
  // An unfinished block counts too, as far as its characters could belong to a key (also with `\\n` for line ends).
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:[\w+/=\s\\:,]|-(?!----))*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g,
];
/** Enough to recognise any of the shapes by its first characters. */
const SHAPE_WINDOW = 128;
/** How much of a secret without an end is kept back before its middle is thrown away. */
const MAX_HELD = 64 * 1024;

type Span = { start: number; end: number };

type RedactingStream = {
  /** The part of all text so far that is safe to show, and was not returned before. */
  push(chunk: string): string;
  /** The rest. */
  end(): string;
};

/** Masks secrets in text that leaves the machine or is written down. */
export type Redactor = {
  /** From now on masks this value too, e.g. a fresh token. */
  add(secret: string): void;
  /** `text` with every secret replaced by `***`. */
  redact: (text: string) => string;
  /** Whether one of the given values of at least so many characters stands in the text; shapes alone don't count. */
  holds(text: string, minLength: number): boolean;
  /** For text that arrives in pieces: a secret split over chunks doesn't get through. One stream for each source. */
  redactStream(): RedactingStream;
};

/**
 * Masks the given values wherever they stand: as they are, in a URL, in JSON, in base64, and as the Basic credentials
 * that git sends (`x-access-token:<secret>` in base64). Lines of a secret with several lines are masked one by one
 * too. Values under 6 characters are ignored. Tokens and private keys known by their shape are always masked.
 */
export function createRedactor(secrets: Iterable<string>): Redactor {
  const values = new Set<string>();

  function add(secret: string): void {
    for (const form of formsOf(secret)) values.add(form);
  }

  function find(text: string): Span[] {
    const spans: Span[] = [];
    for (const value of values) {
      for (let at = text.indexOf(value); at !== -1; at = text.indexOf(value, at + 1)) {
        spans.push({ start: at, end: at + value.length });
      }
    }
    for (const shape of SECRET_SHAPES) {
      for (const match of text.matchAll(shape)) {
        spans.push({ start: match.index, end: match.index + match[0].length });
      }
    }
    return merge(spans);
  }

  function redactStream(): RedactingStream {
    let held = '';
    return {
      push: (chunk) => {
        const text = held + chunk;
        const spans = find(text);
        const longest = Math.max(SHAPE_WINDOW, ...Array.from(values, (value) => value.length));
        const safe = safeLength(text, spans, longest);
        held = shorten(text.slice(safe));
        return mask(
          text.slice(0, safe),
          spans.filter((span) => span.end <= safe),
        );
      },
      end: () => {
        const rest = mask(held, find(held));
        held = '';
        return rest;
      },
    };
  }

  for (const secret of secrets) add(secret);
  return {
    add,
    redact: (text) => mask(text, find(text)),
    holds: (text, minLength) =>
      values.values().some((value) => value.length >= minLength && text.includes(value)),
    redactStream,
  };
}

function formsOf(secret: string): string[] {
  const lines = secret.includes('\n') ? secret.split('\n').map((line) => line.trim()) : [];
  const forms = [
    secret,
    ...lines,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    ...[secret, `x-access-token:${secret}`].flatMap((text) => [
      Buffer.from(text).toString('base64').replace(/=+$/, ''),
      Buffer.from(text).toString('base64url'),
    ]),
  ];
  return secret.length < MIN_SECRET_LENGTH ? [] : forms.filter((form) => form.length >= MIN_SECRET_LENGTH);
}

/** Overlapping and touching spans become one, in order. */
function merge(spans: Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && span.start <= last.end) last.end = Math.max(last.end, span.end);
    else merged.push({ ...span });
  }
  return merged;
}

function mask(text: string, spans: readonly Span[]): string {
  let masked = '';
  let done = 0;
  for (const { start, end } of spans) {
    masked += text.slice(done, start) + MASK;
    done = end;
  }
  return masked + text.slice(done);
}

/** How much of `text` can hold no beginning of a secret that goes on in the next chunk, nor a part of one. */
function safeLength(text: string, spans: readonly Span[], longest: number): number {
  const last = spans.at(-1);
  // A secret that touches the end may be longer than it looks yet.
  const open = last !== undefined && last.end === text.length ? last.start : text.length;
  const limit = Math.min(open, Math.max(0, text.length - longest + 1));
  const cut = spans.find((span) => span.start < limit && span.end > limit);
  return cut === undefined ? limit : cut.start;
}

/** A secret without an end (half a private key, and then a flood) must not fill the memory. */
function shorten(held: string): string {
  if (held.length <= MAX_HELD) return held;
  return held.slice(0, MAX_HELD / 4) + held.slice(-MAX_HELD / 4);
}
