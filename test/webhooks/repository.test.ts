import { expect, test } from 'vitest';
import { translate } from '../../src/webhooks/translate.ts';
import { anIssuesPayload } from './payloads.ts';

const { repository, sender, installation } = anIssuesPayload('renamed');

test.each(['renamed', 'edited', 'transferred', 'privatized', 'publicized', 'unarchived'])(
  'repository.%s tells where the repository is now',
  (action) => {
    const payload = { action, repository, sender, installation };

    expect(translate({ guid: 'g', event: 'repository', payload }).triggers).toMatchObject([
      {
        kind: 'repository_changed',
        key: 'repository_changed:g',
        target: { installationId: 5, repository: { id: 71, owner: 'acme', name: 'widgets' } },
      },
    ]);
  },
);

test.each(['archived', 'deleted'])('repository.%s ends what is under way there', (action) => {
  const payload = { action, repository, sender, installation };

  expect(translate({ guid: 'g', event: 'repository', payload }).triggers).toMatchObject([
    {
      kind: 'repositories_removed',
      installationId: 5,
      repositoryIds: [71],
      why: `The repository was ${action}`,
    },
  ]);
});

test('a label that was renamed is told by both names; one that only changed its colour is nothing', () => {
  const label = { id: 9, name: 'robots' };
  const renamed = {
    action: 'edited',
    label,
    changes: { name: { from: 'agent:backend' } },
    repository,
    sender,
    installation,
  };
  const coloured = { ...renamed, changes: { color: { from: 'ffffff' } } };

  expect(translate({ guid: 'g', event: 'label', payload: renamed }).triggers).toMatchObject([
    { kind: 'label_renamed', from: 'agent:backend', to: 'robots' },
  ]);
  expect(translate({ guid: 'g', event: 'label', payload: coloured })).toEqual({
    triggers: [],
    reason: 'the label kept its name',
  });
});

test('a label that was deleted is told once, however often', () => {
  const payload = { action: 'deleted', label: { id: 9, name: 'robots' }, repository, sender, installation };

  expect(translate({ guid: 'g', event: 'label', payload }).triggers).toMatchObject([
    { kind: 'label_deleted', key: 'label_deleted:71:9', label: 'robots', sender: { login: 'alice' } },
  ]);
});
