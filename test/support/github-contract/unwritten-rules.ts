import { isRecord } from './is-record.ts';

/** Longest `summary` and `text` of a check run's output, in characters. */
const LONGEST_OUTPUT = 65_535;

/** Fields ending in `_url` that hold other addresses than those of the web. */
const OTHER_PROTOCOLS: Record<string, RegExp> = {
  ssh_url: /^(ssh:\/\/)?[^@\s]+@\S+$/,
  git_url: /^(git|https?):\/\/\S+$/,
  submodule_git_url: /^(git|https?|ssh):\/\/\S+$/,
  mirror_url: /^\w+:\S+$/,
};

/**
 * Rules for the body that a client sends to a check-run operation: a conclusion whenever the run is completed, and
 * texts that GitHub takes. `[]` when all hold.
 */
export function checkCheckRunRequest(body: unknown): string[] {
  if (!isRecord(body)) return [];
  const problems: string[] = [];
  if (
    (body.status === 'completed' || body.completed_at !== undefined) &&
    typeof body.conclusion !== 'string'
  ) {
    problems.push('.conclusion is required when a check run is completed');
  }
  if (isRecord(body.output)) {
    for (const field of ['summary', 'text']) {
      const text = body.output[field];
      if (typeof text === 'string' && text.length > LONGEST_OUTPUT) {
        problems.push(`.output.${field} has ${text.length} characters, GitHub takes ${LONGEST_OUTPUT}`);
      }
    }
  }
  return problems;
}

/**
 * Rules for anything that GitHub sends, wherever in it they apply: a check run has a conclusion exactly when it is
 * completed, and every `url`, `html_url` and the like is absolute. `[]` when all hold.
 */
export function checkSentByGitHub(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => checkSentByGitHub(item, `${at}.${index}`));
  if (!isRecord(value)) return [];
  const problems = isCheckRun(value) ? checkCheckRun(value, at) : [];
  for (const [name, field] of Object.entries(value)) {
    if (typeof field === 'string' && !isGoodAddress(name, field)) {
      problems.push(`${at}.${name} must be an absolute URL, not ${JSON.stringify(field.slice(0, 80))}`);
    }
    problems.push(...checkSentByGitHub(field, `${at}.${name}`));
  }
  return problems;
}

function isCheckRun(value: Record<string, unknown>): boolean {
  return 'head_sha' in value && 'external_id' in value && 'status' in value && 'conclusion' in value;
}

function checkCheckRun(run: Record<string, unknown>, at: string): string[] {
  if (run.status === 'completed') {
    return typeof run.conclusion === 'string'
      ? []
      : [`${at}.conclusion must be set: the check run is completed`];
  }
  return run.conclusion === null
    ? []
    : [`${at}.conclusion must be null: the check run is ${String(run.status)}`];
}

function isGoodAddress(name: string, value: string): boolean {
  if (!/(^|_)url$|^href$/.test(name)) return true;
  const other = OTHER_PROTOCOLS[name];
  if (other !== undefined) return other.test(value);
  return /^https?:\/\//.test(value) && URL.canParse(value);
}
