import { Option } from 'commander';

/** Exit codes: 0 done, 1 it went wrong, 2 the call was wrong. */
export const USAGE = 2;

/** What every command is given: the environment, and where its words go. */
export type CommandLine = {
  /** `.env` of the current folder below the real environment. */
  environment: Readonly<Record<string, string | undefined>>;
  /** To standard output, with a line feed. */
  print(text: string): void;
  /** To standard error, with a line feed. */
  complain(text: string): void;
  /** Aborts at the first (or `nth`) Ctrl+C or SIGTERM; parts that stop in order listen to it. */
  stopSignal(nth?: number): AbortSignal;
  /** `--data`, for commands that speak to the coordinator on this machine. */
  dataOption(): Option;
};

export function createCommandLine(environment: CommandLine['environment']): CommandLine {
  return {
    environment,
    print: (text) => void process.stdout.write(`${text}\n`),
    complain: (text) => void process.stderr.write(`${text}\n`),
    stopSignal(nth = 1) {
      const controller = new AbortController();
      let signals = 0;
      for (const name of ['SIGINT', 'SIGTERM'] as const) {
        process.on(name, () => {
          signals += 1;
          if (signals === nth) controller.abort(new Error(name));
        });
      }
      return controller.signal;
    },
    dataOption: () =>
      new Option('--data <folder>', 'the coordinator’s data folder (DATA_FOLDER)').default(
        environment['DATA_FOLDER'] || './data',
        'DATA_FOLDER or ./data',
      ),
  };
}

export async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
