import { toSafeJson } from '../lib/to-safe-json.ts';
import { type Cell, plain, type Style, toTable } from '../lib/terminal-table.ts';
import type { DeliveryDetail, DeliverySummary } from './operator-client.ts';

/** Lines of a payload that are shown; `--json` gives all. */
const PAYLOAD_LINES = 200;

type State = DeliverySummary['state'];

/** The states as people name them. */
export const DELIVERY_STATES = { waiting: 'ready', handling: 'running', done: 'done', dead: 'dead' } as const;

const STYLES: Readonly<Record<State, { text: string; style: Style }>> = {
  ready: { text: 'waiting', style: 'cyan' },
  running: { text: 'handling', style: 'cyan' },
  done: { text: 'done', style: 'green' },
  dead: { text: 'dead', style: 'red' },
};

/** Webhooks as a table, newest first, and what to do about dead letters. `isFiltered`: there may be others. */
export function describeDeliveries(
  { deliveries, counts }: { deliveries: readonly DeliverySummary[]; counts: Readonly<Record<State, number>> },
  isFiltered: boolean,
): string {
  const nothing = isFiltered
    ? 'No webhook is like that.'
    : 'No webhooks yet. GitHub sends them to /api/github/webhooks.';
  const table = toTable([
    ['RECEIVED', 'DELIVERY', 'EVENT', 'STATE', 'TRIES', 'ABOUT', 'LAST ERROR'],
    ...deliveries.map((delivery): Cell[] => [
      toTime(delivery.receivedAtMs),
      delivery.guid,
      toEvent(delivery),
      STYLES[delivery.state],
      String(delivery.attempts),
      toAbout(delivery),
      delivery.error ?? '',
    ]),
  ]);
  const dead =
    counts.dead === 0
      ? null
      : `${counts.dead} dead ${counts.dead === 1 ? 'letter' : 'letters'}: “deliveries show <delivery>” tells why; once that is mended, “deliveries replay --all-dead”.`;
  return [deliveries.length === 0 ? nothing : table, dead].filter((part) => part !== null).join('\n\n');
}

/** One webhook with all that is known of it. */
export function describeDelivery(delivery: DeliveryDetail): string {
  const { state } = delivery;
  const lines = toSafeJson(delivery.payload).split('\n');
  const isRetried = state === 'ready' && delivery.attempts > 0;
  return [
    `${toEvent(delivery)} · ${STYLES[state].text} · ${delivery.attempts} ${delivery.attempts === 1 ? 'try' : 'tries'}`,
    `received ${toTime(delivery.receivedAtMs)}`,
    isRetried ? `tried again at ${toTime(delivery.runAtMs)}` : null,
    delivery.finishedAtMs === null
      ? null
      : `${state === 'dead' ? 'given up' : 'done'} ${toTime(delivery.finishedAtMs)}`,
    delivery.error === null ? null : `error: ${plain(delivery.error)}`,
    state === 'dead' ? `again: yardmaster deliveries replay ${plain(delivery.guid)}` : null,
    '',
    ...Object.entries(delivery.headers).map(([name, value]) => `${plain(name)}: ${plain(value)}`),
    '',
    ...lines.slice(0, PAYLOAD_LINES),
    lines.length > PAYLOAD_LINES
      ? `… ${lines.length - PAYLOAD_LINES} more lines; --json shows them all`
      : null,
  ]
    .filter((line) => line !== null)
    .join('\n');
}

function toEvent({ event, action }: DeliverySummary): string {
  return plain(action === null ? event : `${event}.${action}`);
}

/** The order key, unless it is nothing but the delivery itself, with the repository by its name. */
function toAbout({ orderKey, guid, repository }: DeliverySummary): string {
  const subject = orderKey === guid ? '' : orderKey;
  if (repository === null) return subject;
  const [, what = '', rest] = /^(push )?\d+([# ].*)$/.exec(subject) ?? [];
  return rest === undefined ? `${repository} ${subject}`.trimEnd() : `${what}${repository}${rest}`;
}

function toTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
