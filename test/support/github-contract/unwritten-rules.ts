import { isRecord } from './is-record.ts';

/** Longest `body` of issues, pull requests, comments and reviews, in characters. */
const LONGEST_BODY = 65_536;

/** Fields ending in `_url` that hold other addresses than those of web pages. */
const OTHER_ADDRESSES: Record<string, RegExp> = {
  git_url: /^(git|https?):\/\/\S+$/,
  mirror_url: /^\w+:\S+$/,
  ssh_url: /^(ssh:\/\/)?[^@\s]+@\S+$/,
  submodule_git_url: /^(git|https?|ssh):\/\/\S+$/,
};

/** Events about the App itself or a person, which belong to no installation. */
const WITHOUT_INSTALLATION = ['ping', 'github_app_authorization'];

/** A check run that a client completes has a conclusion. (The limits of its texts are in the schemas.) */
export function checkCheckRunRequest(body: unknown): string[] {
  if (!isRecord(body) || typeof body.conclusion === 'string') return [];
  const isCompleted = body.status === 'completed' || typeof body.completed_at === 'string';
  return isCompleted ? ['.conclusion is required when a check run is completed'] : [];
}

/** The `body` that a client sends is no longer than GitHub takes. */
export function checkTextLength(body: unknown): string[] {
  if (!isRecord(body) || typeof body.body !== 'string') return [];
  const { length } = Array.from(body.body);
  return length > LONGEST_BODY ? [`.body has ${length} characters, GitHub takes ${LONGEST_BODY}`] : [];
}

/**
 * Rules for anything that GitHub sends, wherever in it they apply: a check run has a conclusion exactly when it is
 * completed, and every `url`, `html_url` and the like is absolute. `at` is the path of `value` in what was sent.
 */
export function checkSentByGitHub(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => checkSentByGitHub(item, `${at}.${index}`));
  if (!isRecord(value)) return [];
  const problems = isCheckRun(value) ? checkConclusion(value, at) : [];
  for (const [name, field] of Object.entries(value)) {
    if (typeof field === 'string' && !isGoodAddress(name, field)) {
      problems.push(`${at}.${name} must be an absolute URL, not ${JSON.stringify(field.slice(0, 80))}`);
    }
    problems.push(...checkSentByGitHub(field, `${at}.${name}`));
  }
  return problems;
}

/** What every webhook of an App carries, though the schemas leave it open. */
export function checkWebhookEnvelope(event: string, action: string | undefined, payload: unknown): string[] {
  if (!isRecord(payload)) return [];
  const problems: string[] = [];
  if (payload.action !== action) problems.push(`.action must be ${JSON.stringify(action)}, as it was sent`);
  const { installation } = payload;
  const hasInstallation = isRecord(installation) && Number.isInteger(installation.id);
  if (!hasInstallation && !WITHOUT_INSTALLATION.includes(event)) {
    problems.push('.installation.id must be there, for the webhook goes to an App');
  }
  return problems;
}

function isCheckRun(value: Record<string, unknown>): boolean {
  return ['head_sha', 'external_id', 'status', 'conclusion'].every((name) => Object.hasOwn(value, name));
}

function checkConclusion(run: Record<string, unknown>, at: string): string[] {
  if (run.status === 'completed') {
    return typeof run.conclusion === 'string'
      ? []
      : [`${at}.conclusion must be set, for the run is completed`];
  }
  return run.conclusion === null ? [] : [`${at}.conclusion must be null until the run is completed`];
}

function isGoodAddress(name: string, value: string): boolean {
  if (!/(?:^|_)url$|^href$/.test(name)) return true;
  const other = OTHER_ADDRESSES[name];
  if (other !== undefined) return other.test(value);
  return /^https?:\/\//.test(value) && URL.canParse(value);
}
