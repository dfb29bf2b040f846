import type { Doer } from '../access/actor.ts';
import { notFound, validationFailed } from '../http/api-error.ts';
import type { Shapes } from '../shapes/shapes.ts';
import type { Events } from '../webhooks/events.ts';
import type { Label, Repository, World } from '../world.ts';

const plainColor = 'ededed';

/** Changes to the labels of a repository. Names are unique without regard to case. */
export function createLabelActions(deps: { world: World; shapes: Shapes; events: Events }) {
  const { world, shapes, events } = deps;

  function find(repository: Repository, name: string): Label | undefined {
    return repository.labels.find((label) => label.name.toLowerCase() === name.toLowerCase());
  }

  function get(repository: Repository, name: string): Label {
    const label = find(repository, name);
    if (!label) throw notFound();
    return label;
  }

  function create(
    repository: Repository,
    by: Doer,
    wanted: { name: string; color?: string | undefined; description?: string | null | undefined },
  ): Label {
    if (find(repository, wanted.name)) {
      throw validationFailed({ resource: 'Label', field: 'name', code: 'already_exists' });
    }
    const label: Label = {
      id: world.newId('label'),
      name: wanted.name,
      color: checkedColor(wanted.color ?? plainColor),
      description: wanted.description ?? null,
    };
    repository.labels.push(label);
    announce(repository, label, 'created', by);
    return label;
  }

  function edit(
    repository: Repository,
    label: Label,
    by: Doer,
    wanted: { name?: string | undefined; color?: string | undefined; description?: string | undefined },
  ): void {
    const other = wanted.name === undefined ? undefined : find(repository, wanted.name);
    if (other && other !== label) {
      throw validationFailed({ resource: 'Label', field: 'name', code: 'already_exists' });
    }
    const before = { ...label };
    label.name = wanted.name ?? label.name;
    label.color = checkedColor(wanted.color ?? label.color);
    label.description = wanted.description ?? label.description;
    const changes = {
      ...(before.name === label.name ? {} : { name: { from: before.name } }),
      ...(before.color === label.color ? {} : { color: { from: before.color } }),
      ...(before.description === label.description
        ? {}
        : { description: { from: before.description ?? '' } }),
    };
    announce(repository, label, 'edited', by, { changes });
  }

  /** Takes it off every issue as well, for which GitHub sends no events of their own. */
  function remove(repository: Repository, label: Label, by: Doer): void {
    repository.labels = repository.labels.filter((one) => one !== label);
    for (const issue of repository.issues.values()) {
      issue.labels = issue.labels.filter((one) => one !== label);
    }
    announce(repository, label, 'deleted', by);
  }

  /** The label of this name, made when there is none. */
  function ensure(repository: Repository, name: string, by: Doer): Label {
    return find(repository, name) ?? create(repository, by, { name });
  }

  function announce(
    repository: Repository,
    label: Label,
    action: string,
    by: Doer,
    extra: Record<string, unknown> = {},
  ): void {
    events.inRepository(repository, 'label', action, by.account, {
      label: shapes.repositories.label(repository, label),
      ...extra,
    });
  }

  return { find, get, create, edit, remove, ensure };
}

export type LabelActions = ReturnType<typeof createLabelActions>;

function checkedColor(color: string): string {
  if (!/^[0-9a-f]{6}$/i.test(color)) {
    throw validationFailed({ resource: 'Label', field: 'color', code: 'invalid' });
  }
  return color.toLowerCase();
}
