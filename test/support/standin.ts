import {
  createGitHubStandin,
  type Standin,
  type StandinOptions,
} from '../../src/standin/create-github-standin.ts';
import { createGitHubContract } from './github-contract.ts';

/** Compiling schemas costs, so one contract serves all stand-ins of a test file. */
const contract = createGitHubContract();

export type CheckedStandin = Standin & {
  /** Problems found so far: exchanges and webhooks that GitHub's descriptions do not allow. */
  problems: string[];
  /** Throws when there are any; disposal does the same. */
  assertClean(): void;
};

/**
 * Starts a GitHub stand-in whose every exchange and webhook is held against GitHub's descriptions. With
 * `await using`, the end of the test fails on any problem and then nothing is left running.
 */
export async function startStandin(options: StandinOptions = {}): Promise<CheckedStandin> {
  const problems: string[] = [];
  const standin = await createGitHubStandin({
    ...options,
    onExchange(exchange) {
      if (!exchange.injected) problems.push(...contract.checkExchange(exchange));
      options.onExchange?.(exchange);
    },
    onWebhook(webhook) {
      problems.push(...contract.checkWebhook(webhook));
      options.onWebhook?.(webhook);
    },
  });

  function assertClean(): void {
    if (problems.length > 0) {
      throw new Error(`Not as GitHub describes it:\n${[...new Set(problems)].join('\n')}`);
    }
  }

  return Object.assign(standin, {
    problems,
    assertClean,
    async [Symbol.asyncDispose](): Promise<void> {
      await standin.close();
      assertClean();
    },
  });
}
