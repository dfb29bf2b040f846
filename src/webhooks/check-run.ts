import { z } from 'zod';
import { parseExternalId } from '../dispatch/check-run-identity.ts';
import { parseButton } from '../domain/check-run-buttons.ts';
import type { CheckRunClaim } from '../domain/trigger.ts';
import { NO_INSTALLATION, RepositoryPayload, toActor, toTarget } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translation, type Translator, means, meansNothing } from './translation.ts';

const App = z.object({ id: z.int() }).nullish();

const CompletedPayload = RepositoryPayload.pick({ installation: true }).extend({
  check_run: z.object({ id: z.int().positive(), external_id: z.string().nullish(), app: App }),
});

const CheckRunPayload = RepositoryPayload.extend({
  check_run: CompletedPayload.shape.check_run.extend({
    head_sha: z.string(),
    check_suite: z.object({ head_branch: z.string().nullish() }).nullish(),
  }),
});
type CheckRunPayload = z.infer<typeof CheckRunPayload>;

const ActionPayload = CheckRunPayload.extend({ requested_action: z.object({ identifier: z.string() }) });

const CheckSuitePayload = RepositoryPayload.extend({
  check_suite: z.object({ head_sha: z.string(), head_branch: z.string().nullish(), app: App }),
});

const SuiteCompletedPayload = RepositoryPayload.extend({
  check_suite: CheckSuitePayload.shape.check_suite.extend({
    id: z.int().positive(),
    conclusion: z.string().nullish(),
  }),
});

/** `check_run.completed`: most are of other Apps, or of attempts whose runners tell the coordinator themselves. */
export const translateCheckRunCompleted: Translator = translatorOf(CompletedPayload, (payload, guid) => {
  const { check_run: run } = payload;
  const attempt = parseExternalId(run.external_id ?? null);
  if (attempt === null || run.app == null) return meansNothing('the check run is not of an attempt');
  return means({
    kind: 'check_run_completed',
    key: `check_run_completed:${guid}`,
    appId: run.app.id,
    attemptId: attempt.attemptId,
  });
});

/** `check_suite.completed`: all checks of an App on a commit have ended. */
export const translateCheckSuiteCompleted: Translator = translatorOf(
  SuiteCompletedPayload,
  (payload, guid) => {
    const target = toTarget(payload);
    if (target === null) return meansNothing(NO_INSTALLATION);
    const {
      id: checkSuiteId,
      conclusion,
      head_sha: headCommit,
      head_branch: branch,
      app,
    } = payload.check_suite;
    if (conclusion !== 'failure' && conclusion !== 'timed_out') return meansNothing('no check has failed');
    if (app == null || branch == null) return meansNothing('the checks are of no App, or of a fork');
    const key = `checks_failed:${guid}`;
    return means({ kind: 'checks_failed', key, target, appId: app.id, checkSuiteId, headCommit, branch });
  },
);

/** `check_run.requested_action`: somebody pressed a button. */
export const translateButton: Translator = translatorOf(ActionPayload, (payload, guid) => {
  const target = toTarget(payload);
  if (target === null) return meansNothing(NO_INSTALLATION);
  const sender = toActor(payload);
  const checkRun = toClaim(payload.check_run);
  if (checkRun === null) return meansNothing('the check run is not of an attempt');
  const button = parseButton(payload.requested_action.identifier);
  if (button === null) return meansNothing('no button of ours is called so');
  return means({ kind: 'button_pressed', key: `button:${guid}`, target, button, checkRun, sender });
});

/** `check_run.rerequested`: "Re-run" of one check run. */
export const translateCheckRunRerequested: Translator = translatorOf(CheckRunPayload, (payload, guid) => {
  const { head_sha, app, check_suite } = payload.check_run;
  return toRerun(payload, guid, { head_sha, app, head_branch: check_suite?.head_branch }, payload.check_run);
});

/** `check_suite.rerequested`: "Re-run all" of a commit. */
export const translateCheckSuiteRerequested: Translator = translatorOf(CheckSuitePayload, (payload, guid) =>
  toRerun(payload, guid, payload.check_suite, null),
);

function toRerun(
  payload: RepositoryPayload,
  guid: string,
  checked: z.infer<typeof CheckSuitePayload>['check_suite'],
  run: CheckRunPayload['check_run'] | null,
): Translation {
  const target = toTarget(payload);
  if (target === null) return meansNothing(NO_INSTALLATION);
  const sender = toActor(payload);
  if (checked.app == null) return meansNothing('the checks are of no App');
  return means({
    kind: 'rerun_asked',
    key: `rerun:${guid}`,
    target,
    appId: checked.app.id,
    headCommit: checked.head_sha,
    branch: checked.head_branch ?? null,
    checkRun: run === null ? null : toClaim(run),
    sender,
  });
}

/** `null` when it does not even claim to be an attempt's. */
function toClaim(run: CheckRunPayload['check_run']): CheckRunClaim | null {
  const attempt = parseExternalId(run.external_id ?? null);
  if (attempt === null || run.app == null) return null;
  return { id: run.id, appId: run.app.id, headCommit: run.head_sha, ...attempt };
}
