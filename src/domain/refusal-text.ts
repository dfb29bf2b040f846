import type { PatchPlace } from './patch-place.ts';

/** Where work is that may not be published. */
export type KeptWork =
  | { kind: 'branch'; branch: string }
  /** `file` is seen from the runner's `workspace_root`; `place`: where else it is. */
  | {
      kind: 'patch';
      file: string;
      runnerName: string;
      base: string;
      days: number;
      jobId: string;
      place: PatchPlace;
    }
  | { kind: 'nowhere'; why: string };

/** A report takes 2000 characters; what is to be decided must be among them. */
const MAX_REASONS_CHARACTERS = 1300;

/** Why work was not accepted, where it is, and what a person has to decide: sentences with inline code; several reasons are a list. */
export function toRefusalText(refusal: {
  reasons: readonly string[];
  kept: KeptWork;
  /** A secret would have been added: it may be known to others by now. */
  hasSecret: boolean;
}): string {
  const reasons = takeReasons(refusal.reasons);
  const rest = [
    ...(refusal.hasSecret ? ['If it is a real secret, replace it.'] : []),
    ...toPlace(refusal.kept),
  ].join(' ');
  if (reasons.length === 1) return `${reasons.join('')} ${rest}`;
  return [...reasons.map((reason) => `- ${reason}`), '', rest].join('\n');
}

function toPlace(kept: KeptWork): string[] {
  switch (kept.kind) {
    case 'branch':
      return [
        `The work is on the branch \`${kept.branch}\`, without a pull request, and no tests were run on it.`,
        'Decide: open a pull request from that branch if you agree with it, or delete the branch.',
      ];
    case 'patch':
      return [
        `The work was not pushed: its patch is ${toPatchPlaces(kept)}, for ${kept.days} days.`,
        ...(kept.place.kind === 'runner' ? [`It is nowhere else: ${kept.place.why}`] : []),
        `Decide: read it, and if you agree apply it with \`git apply\` on ${kept.base.slice(0, 12)}.`,
      ];
    case 'nowhere':
      return [
        `The work was not kept: ${kept.why}`,
        'Decide: change the issue or the settings, and ask again.',
      ];
    default:
      return kept satisfies never;
  }
}

function toPatchPlaces({ place, runnerName, file, jobId }: Extract<KeptWork, { kind: 'patch' }>): string {
  const onRunner = `on the runner \`${runnerName}\` (\`${file}\` in its workspace_root)`;
  switch (place.kind) {
    case 'check_run':
      return `in the check run of this attempt, and ${onRunner}`;
    case 'coordinator':
      return `too long for the check run: it is on the coordinator (\`yardmaster patch ${jobId.slice(-12)}\`) and ${onRunner}`;
    case 'runner':
      return onRunner;
    default:
      return place satisfies never;
  }
}

/** As many as fit, the first at any rate. */
function takeReasons(reasons: readonly string[]): string[] {
  const taken: string[] = [];
  let length = 0;
  for (const reason of reasons) {
    length += reason.length + '- \n'.length;
    if (taken.length > 0 && length > MAX_REASONS_CHARACTERS) break;
    taken.push(reason);
  }
  const left = reasons.length - taken.length;
  return [
    ...taken,
    ...(left > 0 ? [`And ${left} more ${left === 1 ? 'reason' : 'reasons'}, in the log.`] : []),
  ];
}
