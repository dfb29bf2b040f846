import { type Command, InvalidArgumentError, Option } from 'commander';
import { toSafeJson } from '../lib/to-safe-json.ts';
import { DELIVERY_STATES, describeDeliveries, describeDelivery } from '../operator/describe-deliveries.ts';
import { createOperatorClient, OperatorError } from '../operator/operator-client.ts';
import type { CommandLine } from './command-line.ts';

type StateName = keyof typeof DELIVERY_STATES;
type ListOptions = {
  state?: StateName[];
  dead: boolean;
  event?: string;
  limit: number;
  json: boolean;
  data: string;
};

/** `yardmaster deliveries …`: what became of GitHub's webhooks. */
export function addDeliveryCommands(program: Command, cli: CommandLine): void {
  const deliveries = program
    .command('deliveries')
    .description('webhooks that came in: look at them, and have dead letters handled again');

  deliveries
    .command('list', { isDefault: true })
    .description('the newest webhooks and what became of them')
    .addOption(
      new Option('--state <state...>', 'only these').choices(Object.keys(DELIVERY_STATES) as StateName[]),
    )
    .option('--dead', 'only dead letters: five tries failed', false)
    .option('--event <name>', 'only this event, e.g. issues')
    .option('--limit <number>', 'how many at the most', toLimit, 50)
    .option('--json', 'for machines', false)
    .addOption(cli.dataOption())
    .addHelpText(
      'after',
      `
Handled webhooks are kept for a week.

Examples:
  yardmaster deliveries
  yardmaster deliveries list --dead
  yardmaster deliveries list --state waiting dead --event issues --json`,
    )
    .action(async (options: ListOptions) => {
      const names = [...(options.state ?? []), ...(options.dead ? (['dead'] as const) : [])];
      const { event = null, limit } = options;
      const found = await createOperatorClient(options.data).deliveries({
        states: names.map((name) => DELIVERY_STATES[name]),
        event,
        limit,
      });
      const isFiltered = names.length > 0 || event !== null;
      cli.print(options.json ? toSafeJson(found.deliveries) : describeDeliveries(found, isFiltered));
    });

  deliveries
    .command('show')
    .description('one webhook with headers, payload, tries and the last error')
    .argument('<delivery>', 'its id (X-GitHub-Delivery), or enough of its beginning')
    .option('--json', 'for machines: everything', false)
    .addOption(cli.dataOption())
    .addHelpText('after', '\nExample:\n  yardmaster deliveries show 72d3162e')
    .action(async (id: string, options: { json: boolean; data: string }) => {
      const delivery = await createOperatorClient(options.data).delivery(id);
      cli.print(options.json ? toSafeJson(delivery) : describeDelivery(delivery));
    });

  deliveries
    .command('replay')
    .description('have a webhook handled again; safe to repeat, since what was dealt with stays dealt with')
    .argument('[delivery]', 'its id (X-GitHub-Delivery), or enough of its beginning')
    .option('--all-dead', 'every dead letter', false)
    .addOption(cli.dataOption())
    .addHelpText(
      'after',
      '\nExamples:\n  yardmaster deliveries replay 72d3162e\n  yardmaster deliveries replay --all-dead',
    )
    .action(async (id: string | undefined, options: { allDead: boolean; data: string }) => {
      const operator = createOperatorClient(options.data);
      if ((id === undefined) === !options.allDead) {
        throw new OperatorError('name one delivery, or all dead letters with --all-dead');
      }
      if (id === undefined) {
        const { replayed } = await operator.replayDeadLetters();
        cli.print(
          replayed === 0
            ? 'There are no dead letters'
            : `${replayed} dead ${replayed === 1 ? 'letter is' : 'letters are'} handled again`,
        );
        return;
      }
      const { guid, result } = await operator.replayDelivery(id);
      cli.print(result === 'ready' ? `${guid} is handled again` : `${guid} is being handled just now`);
    });
}

function toLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new InvalidArgumentError('It must be between 1 and 1000.');
  return limit;
}
