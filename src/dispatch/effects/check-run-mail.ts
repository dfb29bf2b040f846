import {
  MAX_MAIL_CHARACTERS,
  OFFER_KIND,
  type OfferMail,
  toMailContext,
  toOrderLine,
} from '../../contract/check-run-mail.ts';
import type { AttemptId } from '../../contract/identifiers.ts';
import { fitSpec } from '../../domain/fit-mail.ts';
import { GitHubError } from '../../github/github-error.ts';
import { signLine, toSignedBlock } from '../../lib/signed-message.ts';
import { toExternalId } from '../check-run-identity.ts';
import { toJobSpec } from '../job-spec.ts';
import { lockAttempt } from '../lease.ts';
import {
  type MailCase,
  readMailCase,
  type Register,
  toRegister,
  toRegisterKey,
} from '../mail/to-register.ts';
import { withdrawOffer } from '../withdraw-offer.ts';
import { type EffectDeps, toTarget } from './effect-deps.ts';

const OFFER_TITLE = 'For the runner (machine-readable)';
const NO_OFFER = 'No runner is offered this attempt by way of GitHub.';

/** Makes the coordinator's part of an attempt's check run say what the store says, for a runner that only reaches GitHub. */
export async function sendMail(attemptId: AttemptId, deps: EffectDeps): Promise<void> {
  const { store } = deps;
  const found = await readMailCase(store, attemptId);
  if (!found) return;
  const register = toRegister(found, deps.timings);
  if (register.kind === 'closed') return;
  const key = toRegisterKey(register);
  if (found.mail?.sent === key) return;

  await store.mail.open(attemptId);
  await write(found, register, deps);
  await store.mail.change(attemptId, { sent: key });
}

/** When GitHub refuses it for good, or the job is too long for a check run: somebody else has to take it. */
export async function giveUpMail(attemptId: AttemptId, error: Error, deps: EffectDeps): Promise<void> {
  await deps.store.transact(async (tx) => {
    const held = await lockAttempt(tx, attemptId);
    if (!held || held.job.state !== 'offered' || held.job.attemptId !== attemptId) return;
    const runner = held.attempt.runner?.name ?? 'the runner';
    const reason = `The job could not be handed to ${runner} through GitHub: ${error.message}`;
    await withdrawOffer(tx, held.job, held.attempt, { event: 'declined', reason }, deps.timings);
  });
}

async function write(
  found: MailCase,
  register: Exclude<Register, { kind: 'closed' }>,
  deps: EffectDeps,
): Promise<void> {
  const { job, attempt } = found;
  if (attempt.checkRun === null) throw new Error(`Attempt ${attempt.id} was offered without a check run`);
  const target = toTarget(job);
  const checkRunId = attempt.checkRun.id;
  const externalId = toExternalId(attempt);
  if (register.kind === 'order') {
    const context = toMailContext({ repositoryId: job.repository.id, checkRunId });
    const line = signLine(toOrderLine(register.order), context, deps.mailKey);
    await deps.github.setExternalId(target, checkRunId, `${externalId}:${line}`);
    return;
  }

  const text = register.kind === 'offer' ? await toOffer(found, checkRunId, deps) : NO_OFFER;
  const { content } = deps.texts.toCheckRun({ job, attempt });
  // First, so that nobody finds the offer with an order of an earlier one beside it.
  if (found.mail?.nonce != null) await deps.github.setExternalId(target, checkRunId, externalId);
  await deps.github.updateCheckRun(target, checkRunId, { ...content, text });
}

/** Throws when the job can't be made to fit. */
async function toOffer(
  { job, attempt, runner }: MailCase,
  checkRunId: number,
  deps: EffectDeps,
): Promise<string> {
  const app = { identity: await deps.github.identity(), githubApiUrl: deps.githubApiUrl };
  const spec = toJobSpec(job, attempt, app);
  if (!spec || !runner) throw new Error(`Attempt ${attempt.id} was offered without a start commit or runner`);
  const context = toMailContext({ repositoryId: job.repository.id, checkRunId });
  const encode = (fitted: typeof spec): string => {
    const value: OfferMail = {
      runnerId: runner.id,
      attemptId: attempt.id,
      jobId: job.id,
      epoch: attempt.epoch,
      acceptWithinSeconds: deps.timings.githubAcceptSeconds,
      spec: fitted,
    };
    return toSignedBlock({ kind: OFFER_KIND, context, title: OFFER_TITLE, value }, deps.mailKey);
  };
  const fitted = fitSpec(spec, (candidate) => encode(candidate).length <= MAX_MAIL_CHARACTERS);
  if (fitted === null) {
    throw new GitHubError('invalid', 'its commands are too long for a check run');
  }
  return encode(fitted);
}
