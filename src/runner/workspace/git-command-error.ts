import { GitError } from 'simple-git';

/** A git command that failed. Its message is git's own, without secrets. (A `GitError`, or simple-git would wrap it.) */
export class GitCommandError extends GitError {
  override readonly name = 'GitCommandError';
  /** Without the options that are the same for all. */
  readonly args: readonly string[];
  /** `null` when a signal or the timeout ended it, or it could not be started. */
  readonly exitCode: number | null;

  constructor(facts: { args: readonly string[]; exitCode: number | null; output: string }) {
    const how = facts.exitCode === null ? 'was ended' : `failed with exit ${facts.exitCode}`;
    super(undefined, `git ${facts.args[0] ?? ''} ${how}: ${facts.output.trim().slice(-2000)}`);
    this.args = facts.args;
    this.exitCode = facts.exitCode;
  }
}
