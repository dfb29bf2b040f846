import type { Outcome } from '../contract/attempt-result.ts';

/** GitHub takes three on a check run, with at most 20 characters of label and identifier and 40 of description. */
const BUTTONS = {
  retry: { label: 'Retry', description: 'Try the same work once more' },
  ask_again: { label: 'Ask again', description: 'The same request, from the start' },
  cancel: { label: 'Cancel', description: 'Stop the work' },
} as const;

export type ButtonName = keyof typeof BUTTONS;

/** Which buttons suit an attempt that ended so; `null`: that goes on. GitHub shows buttons only once a check run is completed. */
export function toButtons(outcome: Outcome | null): ButtonName[] {
  switch (outcome) {
    case null:
      return ['cancel'];
    case 'pull_request':
    case 'no_changes':
      return ['ask_again'];
    case 'tests_failed':
    case 'agent_failed':
    case 'policy_refused':
    case 'timed_out':
    case 'cancelled':
    case 'lost':
      return ['retry'];
    default:
      return outcome satisfies never;
  }
}

/** As GitHub's API takes them. */
export function toActions(
  buttons: readonly ButtonName[],
): { identifier: ButtonName; label: string; description: string }[] {
  return buttons.map((identifier) => ({ identifier, ...BUTTONS[identifier] }));
}

/** `null` when no button of ours is called so. */
export function parseButton(identifier: string): ButtonName | null {
  return Object.hasOwn(BUTTONS, identifier) ? (identifier as ButtonName) : null;
}

/** What stands on the button. */
export function toButtonLabel(name: ButtonName): string {
  return BUTTONS[name].label;
}
