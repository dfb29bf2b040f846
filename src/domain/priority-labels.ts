import { type Job, PRIORITIES, type Priority } from './job.ts';

/** What `priority_labels` in the settings say: label in lower case → priority. */
export type PriorityLabels = ReadonlyMap<string, Priority>;

/** The label of an issue that says how urgent its work is. */
export type LabelPriority = { label: string; priority: Priority };

/** Of several such labels the most urgent one counts; `null`: the issue has none. */
export function findLabelPriority(labels: readonly string[], meaning: PriorityLabels): LabelPriority | null {
  const found = labels.flatMap((label) => {
    const priority = meaning.get(label.toLowerCase());
    return priority === undefined ? [] : [{ label, priority }];
  });
  const [first = null] = found.sort((one, other) => PRIORITIES[other.priority] - PRIORITIES[one.priority]);
  return first;
}

/** What a job is to have, as long as no person says otherwise. */
export function toJobPriority(found: LabelPriority | null): Pick<Job, 'priority' | 'prioritySource'> {
  if (found === null) return { priority: PRIORITIES.normal, prioritySource: null };
  return { priority: PRIORITIES[found.priority], prioritySource: { by: 'label', label: found.label } };
}

/** Why it has it; plain text, in which the label is anybody's. */
export function explainLabelPriority(found: LabelPriority | null): string {
  if (found === null) return 'normal priority: no label of the issue says otherwise any more';
  return `${found.priority} priority: the issue has the label "${found.label}"`;
}

/** Waits, and goes by the labels of its issue: no person has said anything. */
export function followsLabels({
  state,
  priority,
  prioritySource,
}: Pick<Job, 'state' | 'priority' | 'prioritySource'>): boolean {
  // Before it was kept what a priority comes from, only people gave one.
  const isOfPerson =
    prioritySource === null ? priority !== PRIORITIES.normal : prioritySource.by === 'person';
  return !isOfPerson && (state === 'queued' || state === 'held');
}

/** Has its priority by another label than this one, or by none; or by one where there is none. */
export function differsFrom(
  found: LabelPriority | null,
  job: Pick<Job, 'priority' | 'prioritySource'>,
): boolean {
  const wanted = toJobPriority(found);
  return wanted.priority !== job.priority || toLabel(wanted.prioritySource) !== toLabel(job.prioritySource);
}

/** GitHub does not tell the case of labels. */
function toLabel(source: Job['prioritySource']): string | null {
  return source?.by === 'label' ? source.label.toLowerCase() : null;
}
