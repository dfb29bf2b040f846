import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { createOperatorClient, OperatorError } from '../operator/operator-client.ts';
import { guessEvent, sendWebhook } from '../operator/webhook-send.ts';
import { type CommandLine, readStandardInput } from './command-line.ts';

/** `yardmaster webhook …`. */
export function addWebhookCommands(program: Command, cli: CommandLine): void {
  const webhook = program.command('webhook').description('work with webhooks');

  webhook
    .command('send')
    .description('sign a payload and post it to a coordinator: injects a task as GitHub would')
    .argument('<file>', 'JSON file with the payload; - for standard input')
    .option('--event <name>', 'GitHub event, e.g. issues (default: from the file name or the payload)')
    .option('--url <url>', 'webhook address of the coordinator (default: the one that runs on --data)')
    .option('--guid <id>', 'delivery id; the same one twice is a redelivery (default: a new one)')
    .addOption(cli.dataOption())
    .addHelpText(
      'after',
      `
The secret is taken from WEBHOOK_SECRET (environment or .env). What the coordinator makes of the payload is in its log and on the issue;
the same labelling counts once, however often it is sent.

Examples:
  yardmaster webhook send issues.labeled.json
  yardmaster webhook send payload.json --event issues --url http://127.0.0.1:8080/api/github/webhooks`,
    )
    .action(async (file: string, options: { event?: string; url?: string; guid?: string; data: string }) => {
      const secret = cli.environment['WEBHOOK_SECRET'];
      if (!secret)
        throw new OperatorError(
          'WEBHOOK_SECRET is not set: it signs the payload. Put it in the environment or in .env.',
        );
      const body = file === '-' ? await readStandardInput() : await readPayload(file);
      const event = options.event ?? guessEvent(file, parsePayload(body, file));
      if (event === null)
        throw new OperatorError(
          `can’t tell which event ${file} is: name it with --event, e.g. --event issues`,
        );
      const url =
        options.url ?? `${(await createOperatorClient(options.data).status()).url}/api/github/webhooks`;

      const answer = await sendWebhook({ url, secret, event, body, guid: options.guid, fetch });
      cli.print(`${answer.event} ${answer.guid} → ${answer.status} ${answer.body.trim()}`);
      process.exitCode = answer.status < 300 ? 0 : 1;
    });
}

function parsePayload(body: string, file: string): object {
  try {
    const payload: unknown = JSON.parse(body);
    if (typeof payload === 'object' && payload !== null) return payload;
  } catch {
    // Told below, with the file's name.
  }
  throw new OperatorError(`${file} is not a JSON object: a webhook payload is one.`);
}

async function readPayload(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new OperatorError(
      `${file} can’t be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
      {
        cause: error,
      },
    );
  }
}
