import { z } from 'zod';

const IssueOfRepository = z.object({
  repository: z.object({ id: z.int() }),
  issue: z.object({ number: z.int() }),
});
const CheckRunOfRepository = z.object({
  repository: z.object({ id: z.int() }),
  check_run: z.object({ id: z.int() }),
});
const PullRequestOfRepository = z.object({
  repository: z.object({ id: z.int() }),
  pull_request: z.object({ number: z.int() }),
});
const CheckSuiteOfRepository = z.object({
  repository: z.object({ id: z.int() }),
  check_suite: z.object({ id: z.int() }),
});
const PushToRepository = z.object({
  repository: z.object({ id: z.int() }),
  ref: z.string(),
  after: z.string(),
});
const StatusInRepository = z.object({
  repository: z.object({ id: z.int() }),
  sha: z.string(),
  context: z.string(),
});
const OfInstallation = z.object({ installation: z.object({ id: z.int() }) });

/**
 * Deliveries with equal keys are handled in the order of their arrival: those of one issue or pull request, of one check run
 * or suite, the pushes to one branch, the statuses of one commit, and those about one installation. All others need no order and get their GUID.
 */
export function toOrderKey(payload: unknown, guid: string): string {
  const issue = IssueOfRepository.safeParse(payload);
  if (issue.success) return `${issue.data.repository.id}#${issue.data.issue.number}`;
  const checkRun = CheckRunOfRepository.safeParse(payload);
  if (checkRun.success) return `check run ${checkRun.data.check_run.id}`;
  const pull = PullRequestOfRepository.safeParse(payload);
  if (pull.success) return `${pull.data.repository.id}#${pull.data.pull_request.number}`;
  const suite = CheckSuiteOfRepository.safeParse(payload);
  if (suite.success) return `check suite ${suite.data.check_suite.id}`;
  const push = PushToRepository.safeParse(payload);
  if (push.success) return `push ${push.data.repository.id} ${push.data.ref}`;
  const status = StatusInRepository.safeParse(payload);
  if (status.success) return `status ${status.data.repository.id} ${status.data.sha}`;
  const installation = OfInstallation.safeParse(payload);
  return installation.success ? `installation ${installation.data.installation.id}` : guid;
}
