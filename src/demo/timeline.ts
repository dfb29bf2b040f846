import { styleText } from 'node:util';
import { toOneLine } from '../lib/strip-control.ts';

/** One thing that happened, for a line of the timeline. */
export type TimelineEntry = {
  atMs: number;
  issueNumber: number;
  specialty: string;
  kind: string;
  text: string;
};

const LANE_COLOURS = ['cyan', 'magenta', 'yellow', 'blue'] as const;

const SYMBOLS: Readonly<Record<string, string>> = {
  queued: '◇',
  offered: '→',
  accepted: '▸',
  phase: '│',
  evidence: '≡',
  pull_request: '⇡',
  succeeded: '✔',
  failed: '✘',
  cancelled: '⊘',
};

/** In columns. A line that wraps is better than one that says nothing. */
const LEAST_TEXT_WIDTH = 40;

/**
 * Lines of a timeline: seconds since the start, a lane for each issue, what happened.
 * Colours follow the terminal and NO_COLOR through `styleText`.
 */
export function createTimeline(startMs: number, width: number) {
  const lanes = new Map<number, (typeof LANE_COLOURS)[number]>();

  function colourOf(issueNumber: number): (typeof LANE_COLOURS)[number] {
    const known = lanes.get(issueNumber);
    if (known !== undefined) return known;
    const colour = LANE_COLOURS[lanes.size % LANE_COLOURS.length] ?? 'cyan';
    lanes.set(issueNumber, colour);
    return colour;
  }

  return {
    line(entry: TimelineEntry): string {
      const seconds = `${((entry.atMs - startMs) / 1000).toFixed(1)}s`.padStart(6);
      const lane = `#${entry.issueNumber} ${entry.specialty}`.padEnd(12);
      const text = toOneLine(entry.text, Math.max(LEAST_TEXT_WIDTH, width - 24));
      const symbol = SYMBOLS[entry.kind] ?? '·';
      const styled =
        entry.kind === 'succeeded'
          ? styleText('green', `${symbol} ${text}`)
          : entry.kind === 'failed'
            ? styleText('red', `${symbol} ${text}`)
            : `${symbol} ${text}`;
      return `${styleText('dim', seconds)}  ${styleText(colourOf(entry.issueNumber), lane)} ${styled}`;
    },
    heading(text: string): string {
      return `\n${styleText('bold', text)}`;
    },
  };
}
