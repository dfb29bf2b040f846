import {
  translateButton,
  translateCheckRunCompleted,
  translateCheckRunRerequested,
  translateCheckSuiteCompleted,
  translateCheckSuiteRerequested,
} from './check-run.ts';
import { translateStatus } from './commit-status.ts';
import { translateComment } from './issue-comment.ts';
import { translateIssueEnd, translateLabeled, translateUnlabeled } from './issues.ts';
import { translateLabelDeleted, translateLabelRenamed } from './labels.ts';
import { translateClosed, translateOpened, translateReopened, translateSynchronize } from './pull-request.ts';
import { translatePush } from './push.ts';
import { translateReview, translateThread, translateThreadComment } from './review.ts';
import { translateRepositoryChanged, translateRepositoryEnd } from './repository.ts';
import {
  translateAllowedAgain,
  translateInstallationEnd,
  translateInstalled,
  translateRepositoriesAdded,
  translateRepositoriesRemoved,
} from './installation.ts';
import { type IncomingEvent, type Translation, type Translator, meansNothing } from './translation.ts';

/** Every webhook that we act on: event and action → what it means. */
const TRANSLATORS = {
  'issues.labeled': translateLabeled,
  'issues.unlabeled': translateUnlabeled,
  'issues.closed': translateIssueEnd('closed'),
  'issues.deleted': translateIssueEnd('deleted'),
  'issues.transferred': translateIssueEnd('transferred'),
  'check_run.completed': translateCheckRunCompleted,
  'check_run.requested_action': translateButton,
  'check_run.rerequested': translateCheckRunRerequested,
  'check_suite.rerequested': translateCheckSuiteRerequested,
  'check_suite.completed': translateCheckSuiteCompleted,
  push: translatePush,
  status: translateStatus,
  'pull_request_review.submitted': translateReview,
  'pull_request_review_comment.created': translateThreadComment,
  'pull_request_review_thread.resolved': translateThread(true),
  'pull_request_review_thread.unresolved': translateThread(false),
  'pull_request.opened': translateOpened,
  'pull_request.reopened': translateReopened,
  'pull_request.closed': translateClosed,
  'pull_request.synchronize': translateSynchronize,
  'issue_comment.created': translateComment,
  'issues.locked': translateIssueEnd('locked'),
  'label.edited': translateLabelRenamed,
  'label.deleted': translateLabelDeleted,
  'repository.renamed': translateRepositoryChanged,
  'repository.edited': translateRepositoryChanged,
  'repository.transferred': translateRepositoryChanged,
  'repository.privatized': translateRepositoryChanged,
  'repository.publicized': translateRepositoryChanged,
  'repository.unarchived': translateRepositoryChanged,
  'repository.archived': translateRepositoryEnd('The repository was archived'),
  'repository.deleted': translateRepositoryEnd('The repository was deleted'),
  'installation.created': translateInstalled,
  'installation.deleted': translateInstallationEnd('The App was uninstalled'),
  'installation.unsuspend': translateAllowedAgain,
  // What was refused for want of a permission is worth another try: the labels, first of all.
  'installation.new_permissions_accepted': translateAllowedAgain,
  'installation.suspend': translateInstallationEnd('The App was suspended'),
  'installation_repositories.added': translateRepositoriesAdded,
  'installation_repositories.removed': translateRepositoriesRemoved,
} as const satisfies Record<string, Translator>;

export type HandledEvent = keyof typeof TRANSLATORS;

/** `event.action` of every webhook that we act on; all others are answered and forgotten. */
export const HANDLED_EVENTS = Object.keys(TRANSLATORS) as HandledEvent[];

/** `issues.labeled` from the event's name and its payload; just the name when the payload has no action. */
export function toEventName(event: string, payload: unknown): string {
  if (typeof payload !== 'object' || payload === null || !('action' in payload)) return event;
  return typeof payload.action === 'string' ? `${event}.${payload.action}` : event;
}

export function isHandled(name: string): name is HandledEvent {
  return Object.hasOwn(TRANSLATORS, name);
}

/** What a webhook means to us. Never throws for what its payload holds or lacks. */
export function translate({ event, ...incoming }: IncomingEvent & { event: string }): Translation {
  const name = toEventName(event, incoming.payload);
  return isHandled(name) ? TRANSLATORS[name](incoming) : meansNothing(`nothing is to be done for ${name}`);
}
