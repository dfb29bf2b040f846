import { z } from 'zod';
import type { Trigger } from '../domain/trigger.ts';
import { RepositoryPayload, toActor, toTarget } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translator, means, meansNothing } from './translation.ts';

const IssuePayload = RepositoryPayload.extend({
  issue: z.object({
    number: z.int().positive(),
    /** Moved by the very labelling that the event tells of, so it stands for its time. */
    updated_at: z.string(),
    closed_at: z.string().nullish(),
  }),
});

/** GitHub leaves the label out when it was deleted in the meantime. */
const LabelPayload = IssuePayload.extend({ label: z.object({ name: z.string() }).optional() });

const NO_INSTALLATION = 'the payload has no installation: it was not sent to a GitHub App';

/** `issues.labeled`, `issues.unlabeled`. */
export function translateLabel(kind: 'label_added' | 'label_removed'): Translator {
  return translatorOf(LabelPayload, (payload) => {
    const target = toTarget(payload);
    if (target === null) return meansNothing(NO_INSTALLATION);
    if (payload.label === undefined) return meansNothing('the payload has no label: it was deleted');
    const { number, updated_at } = payload.issue;
    const label = payload.label.name;
    return means({
      kind,
      key: `${kind}:${payload.repository.id}#${number}:${updated_at}:${label.toLowerCase()}`,
      target,
      issueNumber: number,
      label,
      sender: toActor(payload),
    });
  });
}

/** `issues.closed`, `issues.deleted`, `issues.transferred`: the payload is about the issue as it was here. */
export function translateIssueEnd(how: Extract<Trigger, { kind: 'issue_ended' }>['how']): Translator {
  return translatorOf(IssuePayload, (payload) => {
    const target = toTarget(payload);
    if (target === null) return meansNothing(NO_INSTALLATION);
    const { number, updated_at, closed_at } = payload.issue;
    // Deleted or moved is for good; closing may be repeated.
    const time = how === 'closed' ? `:${closed_at ?? updated_at}` : '';
    return means({
      kind: 'issue_ended',
      key: `issue_${how}:${payload.repository.id}#${number}${time}`,
      target,
      issueNumber: number,
      how,
      sender: toActor(payload),
    });
  });
}
